/**
 * What a page may load: its own files and the media of the given origins; no inline script, no inline style, no
 * frame around it. Media reaches a video element as a blob: of a MediaSource.
 *
 * @param mediaOrigins further origins that media comes from, such as `https://media.example.com`.
 */
export function contentSecurityPolicy(mediaOrigins: readonly string[]): string {
  const media = mediaOrigins.join(' ');
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    `media-src blob: 'self' ${media}`.trim(),
    `connect-src 'self' ${media}`.trim(),
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

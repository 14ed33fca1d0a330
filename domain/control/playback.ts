/**
 * Signed playback: CloudFront's custom policies, one per stream with a wildcard (Amazon CloudFront Developer
 * Guide, "Create a signed URL using a custom policy"). The policy is the same for every viewer of a stream
 * who comes in the same minute of it, so it is made once for all of them.
 */

export interface SignedQuery {
  readonly Policy: string;
  readonly Signature: string;
  readonly 'Key-Pair-Id': string;
}

/** What a signature opens of a stream: what is live, or what was recorded. */
export type SignedFolder = 'live' | 'recordings';

export interface UrlSigner {
  /** Signs everything below a stream's path until an instant, which is whole seconds. `live` unless said. */
  sign(grant: {
    readonly streamId: string;
    readonly expiresAtMs: number;
    readonly folder?: SignedFolder;
  }): Promise<SignedQuery>;
}

/**
 * Text of the policy. CloudFront wants it without white space; `*` also matches query strings.
 *
 * @param resourceBase scheme and host, such as https://live.example.com; both may hold wildcards.
 */
export function streamPolicy(
  resourceBase: string,
  streamId: string,
  expiresAtMs: number,
  folder: SignedFolder = 'live',
): string {
  return JSON.stringify({
    Statement: [
      {
        Resource: `${resourceBase}/${folder}/${streamId}/*`,
        Condition: { DateLessThan: { 'AWS:EpochTime': Math.floor(expiresAtMs / 1000) } },
      },
    ],
  });
}

/** FNV-1a, 32 bits (draft-eastlake-fnv §2): enough to spread a few streams evenly. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * The end of a stream's signature made now: at least `ttlMs` away, on a step that many viewers share. Each
 * stream has its own second of the step, so that they are not all signed anew at the same moment.
 *
 * @returns Unix ms, whole seconds when `stepMs` is.
 */
export function playbackExpiryMs(
  nowMs: number,
  { ttlMs, stepMs, streamId }: { readonly ttlMs: number; readonly stepMs: number; readonly streamId: string },
): number {
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(streamId)) hash = Math.imul(hash ^ byte, FNV_PRIME);
  const phaseMs = ((hash >>> 0) % Math.max(1, Math.floor(stepMs / 1000))) * 1000;
  return Math.ceil((nowMs + ttlMs - phaseMs) / stepMs) * stepMs + phaseMs;
}

/**
 * CloudFront's wildcards: `*` is zero or more characters, `?` exactly one. Linear in the text: no pattern can
 * make it slow.
 */
export function matchesResource(pattern: string, url: string): boolean {
  let patternIndex = 0;
  let urlIndex = 0;
  let starIndex = -1;
  let resumeIndex = 0;
  while (urlIndex < url.length) {
    const expected = pattern[patternIndex];
    if (expected === '*') {
      starIndex = patternIndex++;
      resumeIndex = urlIndex;
    } else if (expected === '?' || expected === url[urlIndex]) {
      patternIndex++;
      urlIndex++;
    } else if (starIndex >= 0) {
      patternIndex = starIndex + 1;
      urlIndex = ++resumeIndex;
    } else {
      return false;
    }
  }
  while (pattern[patternIndex] === '*') patternIndex++;
  return patternIndex === pattern.length;
}

/** The MIME type of a track or of both, read from its init segment. */

/** @returns undefined when there is neither H.264 nor AAC in it. */
export function codecOf(init: Uint8Array): string | undefined {
  const video = avcCodec(init);
  // Our packager makes AAC-LC and nothing else: object type 2 of ISO 14496-3 §1.5.1.1.
  const audio = indexOfBox(init, 'mp4a') >= 0 ? 'mp4a.40.2' : undefined;
  if (video !== undefined) return `video/mp4; codecs="${audio === undefined ? video : `${video},${audio}`}"`;
  return audio === undefined ? undefined : `audio/mp4; codecs="${audio}"`;
}

/** `avc1.PPCCLL` from profile, constraints and level of the avcC box (ISO 14496-15 §5.3.3.1.2, RFC 6381 §3.3). */
function avcCodec(init: Uint8Array): string | undefined {
  const start = indexOfBox(init, 'avcC');
  if (start < 0 || start + 8 > init.byteLength) return undefined;
  const hex = [...init.subarray(start + 5, start + 8)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `avc1.${hex.join('')}`;
}

/** Where a box type stands. An init segment is a few hundred bytes, and such a word stands there once. */
function indexOfBox(bytes: Uint8Array, type: string): number {
  const wanted = Array.from(type, (letter) => letter.charCodeAt(0));
  for (let index = 0; index + 4 <= bytes.byteLength; index++) {
    if (wanted.every((code, offset) => bytes[index + offset] === code)) return index;
  }
  return -1;
}

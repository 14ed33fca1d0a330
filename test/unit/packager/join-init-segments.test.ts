import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { box, fullBox, readBoxes, u64 } from '../../../domain/cmaf/box.ts';
import { joinInitSegments } from '../../../domain/cmaf/join-init-segments.ts';
import { MirrorError } from '../../../domain/errors.ts';
import { Packager } from '../../../gpu-runner/packager/packager.ts';
import { errorCodeOf } from './error-code.ts';
import { ENCODER, PROFILE } from './synthetic-frames.ts';

const { video, audio } = new Packager({ profile: PROFILE, encoder: ENCODER }).initSegments;

describe('joining init segments', () => {
  it('gives equal bytes for equal inputs, whatever buffer they lie in', () => {
    const padded = new Uint8Array(video.byteLength + 7);
    padded.set(video, 7);
    expect(joinInitSegments(padded.subarray(7), audio)).toEqual(joinInitSegments(video, audio));
  });

  it('leaves its inputs as they are', () => {
    const before = [Uint8Array.from(video), Uint8Array.from(audio)];
    joinInitSegments(video, audio);
    expect([video, audio]).toEqual(before);
  });

  it('of two tracks with one id is refused', () => {
    expect(() => joinInitSegments(video, video)).toThrow('the id 1');
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['a part', Uint8Array.of(0, 0, 0, 8, 0x6d, 0x6f, 0x6f, 0x66)],
    ['half of one', video.subarray(0, video.byteLength / 2)],
    ['one without mvex', box('moov')],
  ])('of %s is refused', (_name, bytes) => {
    expect(() => joinInitSegments(bytes, audio)).toThrow(MirrorError);
  });

  it('of damaged bytes joins or refuses, and never loops or reads outside', () => {
    fc.assert(
      fc.property(fc.nat(video.byteLength - 1), fc.nat(255), (offset, value) => {
        const damaged = Uint8Array.from(video);
        damaged[offset] = value;
        expect(['none', 'CMAF_MALFORMED']).toContain(errorCodeOf(() => joinInitSegments(damaged, audio)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('boxes', () => {
  it('that are written are read again', () => {
    const type = fc.stringMatching(/^[a-z0-9]{4}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(type, fc.uint8Array({ maxLength: 50 })), { maxLength: 8 }), (list) => {
        const written = Buffer.concat(list.map(([name, payload]) => box(name, payload)));
        expect(readBoxes(written).map((found) => [found.type, Uint8Array.from(found.payload)])).toEqual(list);
      }),
    );
  });

  it('carry version and flags in four bytes', () => {
    expect([...fullBox('tfdt', { version: 1, flags: 0x020305 })].slice(8)).toEqual([1, 2, 3, 5]);
  });

  it('carry 64-bit numbers up to 2^53 - 1 and refuse what is none', () => {
    expect(Buffer.from(u64(Number.MAX_SAFE_INTEGER)).readBigUInt64BE()).toBe(2n ** 53n - 1n);
    expect(() => u64(2 ** 53)).toThrow(MirrorError);
    expect(() => u64(-1)).toThrow(MirrorError);
    expect(() => u64(0.5)).toThrow(MirrorError);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, readBoxes } from '../../../domain/cmaf/box.ts';
import { joinInitSegments } from '../../../domain/cmaf/join-init-segments.ts';
import { profileWithFrameRate } from '../../../domain/profile.ts';
import { partStartTicks } from '../../../domain/timeline.ts';
import type { EncodedFrame, PackagedPart } from '../../../gpu-runner/media.ts';
import { packagerErrors } from '../../../gpu-runner/packager/errors.ts';
import { Packager } from '../../../gpu-runner/packager/packager.ts';
import { errorCodeOf } from './error-code.ts';
import { parseWithMp4box } from './mp4box-parser.ts';
import {
  audioFrame,
  ENCODER,
  FIRST_SEGMENT,
  PROFILE,
  range,
  sliceAccessUnit,
  videoFrame,
} from './synthetic-frames.ts';

function packager() {
  return new Packager({ profile: PROFILE, encoder: ENCODER });
}

function pushAll(target: Packager, frames: readonly EncodedFrame[]): PackagedPart[] {
  return frames.flatMap((frame) => target.push(frame, 0));
}

function bytesOf(parts: readonly PackagedPart[]): Uint8Array {
  return concatBytes(parts.map((part) => part.bytes ?? new Uint8Array()));
}

describe('a part', () => {
  it('leaves with its last frame, not with the frame after it', () => {
    const target = packager();
    expect(target.push(videoFrame(0), 1)).toEqual([]);
    expect(target.push(videoFrame(1), 2)).toEqual([]);
    expect(target.push(videoFrame(2), 3)).toMatchObject([
      {
        track: 'video',
        mediaSequenceNumber: FIRST_SEGMENT,
        partIndex: 0,
        durationTicks: 9000,
        independent: true,
        encodedAtMs: 3,
      },
    ]);
  });

  it('of audio holds the frames that start in its 100 ms, 4 or 5 of them', () => {
    const parts = pushAll(
      packager(),
      range(240).map((index) => audioFrame(index)),
    );
    const counts = parts.map((part) => part.durationTicks / 1024);
    expect(new Set(counts)).toEqual(new Set([4, 5]));
    // 300 parts of 100 ms are 1406.25 frames of 1024 samples at 48 kHz.
    expect(counts.slice(0, 32).reduce((sum, count) => sum + count, 0)).toBe(150);
    expect(parts.every((part) => part.independent && part.bytes)).toBe(true);
  });

  it('is what mp4box reads: samples, sizes, times since EPOCH, sync flags', () => {
    const target = packager();
    const parts = pushAll(
      target,
      range(30).map((index) => videoFrame(index)),
    );
    const { movie, samples } = parseWithMp4box(concatBytes([target.initSegments.video, bytesOf(parts)]));
    expect(movie.tracks).toMatchObject([
      { id: 1, codec: 'avc1.64001e', timescale: 90_000, video: { width: 640, height: 360 } },
    ]);
    const video = samples.get(1) ?? [];
    expect(video.map((sample) => sample.dts)).toEqual(
      range(30).map((index) => videoFrame(index).decodeTimeTicks),
    );
    expect(video.map((sample) => sample.is_sync)).toEqual(range(30).map((index) => index % 15 === 0));
    expect(video.every((sample) => sample.duration === 3000 && sample.cts === sample.dts)).toBe(true);
    // 4 bytes of length and the NAL unit without its start code.
    expect(Buffer.from(video[7]?.data ?? []).toString('hex')).toBe('000000054188070080');
  });

  it('of both tracks alternates in one file under the joined init segment', () => {
    const target = packager();
    const video = pushAll(
      target,
      range(30).map((index) => videoFrame(index)),
    );
    const audio = pushAll(
      target,
      range(47).map((index) => audioFrame(index)),
    );
    const pairs = range(10).flatMap((index) => [video[index], audio[index]]);
    const init = joinInitSegments(target.initSegments.video, target.initSegments.audio);
    const joined = concatBytes([init, ...pairs.map((part) => part?.bytes ?? new Uint8Array())]);
    const { movie, samples } = parseWithMp4box(joined);
    expect(movie.tracks.map((track) => [track.id, track.codec])).toEqual([
      [1, 'avc1.64001e'],
      [2, 'mp4a.40.2'],
    ]);
    expect(movie.brands).not.toContain('cmfc');
    expect(samples.get(1)).toHaveLength(30);
    expect(samples.get(2)).toHaveLength(47);
    const numbers = readBoxes(joined)
      .filter((found) => found.type === 'moof')
      .map((found) => Buffer.from(found.payload).readUInt32BE(12));
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
  });

  it('costs at most 120 bytes beside its samples', () => {
    const [part] = pushAll(
      packager(),
      range(3).map((index) => videoFrame(index)),
    );
    const sampleByteCount = range(3).reduce((sum, index) => sum + videoFrame(index).bytes.byteLength, 0);
    expect((part?.bytes?.byteLength ?? 0) - sampleByteCount).toBeLessThanOrEqual(120);
  });

  it.each([30, 50, 60] as const)('at %i fps begins at the tick of the grid', (frameRate) => {
    const profile = profileWithFrameRate(frameRate);
    const target = new Packager({ profile, encoder: ENCODER });
    const parts = pushAll(
      target,
      range(frameRate).map((index) => videoFrame(index, profile)),
    );
    const { samples } = parseWithMp4box(concatBytes([target.initSegments.video, bytesOf(parts)]));
    const framesPerPart = frameRate / 10;
    const starts = (samples.get(1) ?? []).filter((_, index) => index % framesPerPart === 0);
    expect(starts.map((sample) => sample.dts)).toEqual(
      parts.map((part) => partStartTicks(part, profile.video.timescaleHz, profile)),
    );
  });
});

describe('a hole', () => {
  it('makes its part a gap, and the video parts after it up to the next independent frame', () => {
    const frames = range(30)
      .filter((index) => index !== 4)
      .map((index) => videoFrame(index));
    const parts = pushAll(packager(), frames);
    expect(parts.map((part) => (part.bytes ? 'part' : 'gap'))).toEqual([
      'part',
      'gap',
      'gap',
      'gap',
      'gap',
      'part',
      'part',
      'part',
      'part',
      'part',
    ]);
    expect(parts[1]).toMatchObject({ partIndex: 1, independent: false, durationTicks: 9000 });
  });

  it('in the audio costs its part alone', () => {
    const frames = range(47)
      .filter((index) => index !== 7)
      .map((index) => audioFrame(index));
    const gaps = pushAll(packager(), frames).filter((part) => !part.bytes);
    expect(gaps).toMatchObject([{ partIndex: 1 }]);
  });

  it('is given out as soon as it is known, without waiting for the end of its part', () => {
    const target = packager();
    pushAll(
      target,
      range(3).map((index) => videoFrame(index)),
    );
    expect(target.push(videoFrame(4), 0)).toMatchObject([{ partIndex: 1 }]);
  });

  it('of many parts is spelled out at its end only', () => {
    const target = packager();
    pushAll(
      target,
      range(3).map((index) => videoFrame(index)),
    );
    const parts = pushAll(target, [videoFrame(3000), videoFrame(3001), videoFrame(3002)]);
    expect(parts).toHaveLength(51);
    expect(parts.at(-1)).toMatchObject({ mediaSequenceNumber: FIRST_SEGMENT + 200, partIndex: 0 });
    expect(parts.at(-1)?.bytes).toBeDefined();
  });
});

describe('the start', () => {
  it('is the first whole segment: what comes before is discarded', () => {
    const target = packager();
    const parts = pushAll(
      target,
      range(30)
        .slice(5)
        .map((index) => videoFrame(index)),
    );
    expect(parts[0]).toMatchObject({ mediaSequenceNumber: FIRST_SEGMENT + 1, partIndex: 0 });
    expect(target.discardedFrameCount).toBe(10);
  });

  it('waits for an independent frame', () => {
    const frames = range(45).map((index) => videoFrame(index));
    const first = { ...videoFrame(0), independent: true, bytes: sliceAccessUnit(false, 0) };
    const parts = pushAll(packager(), [first, ...frames.slice(1)]);
    expect(parts[0]).toMatchObject({ mediaSequenceNumber: FIRST_SEGMENT + 1 });
  });
});

describe('bad input', () => {
  it('off the grid is refused, and only its part is lost', () => {
    const target = packager();
    const frame = videoFrame(1);
    pushAll(target, [videoFrame(0)]);
    expect(() => target.push({ ...frame, decodeTimeTicks: frame.decodeTimeTicks + 1 }, 0)).toThrow(
      'does not lie on the grid',
    );
    const parts = pushAll(
      target,
      range(30)
        .slice(2)
        .map((index) => videoFrame(index)),
    );
    expect(parts.filter((part) => part.bytes)).toHaveLength(5);
  });

  it('with parameter sets that changed is told apart from a frame that is broken', () => {
    const other = Buffer.from('0000000167640020ac0000000001410000', 'hex');
    const push = () => packager().push({ ...videoFrame(0), bytes: other }, 0);
    expect(push).toThrow('changed its parameter sets');
  });

  it('repeated or late frames are discarded', () => {
    const target = packager();
    const order = [0, 0, 1, 0, 1, 2, 2, 1];
    const parts = pushAll(
      target,
      order.map((index) => videoFrame(index)),
    );
    expect(parts).toHaveLength(1);
    expect(target.discardedFrameCount).toBe(5);
  });

  it('of any bytes gives a part, nothing, or one of the errors that are listed', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            track: fc.constantFrom('video' as const, 'audio' as const),
            decodeTimeTicks: fc.oneof(
              fc.integer(),
              fc.double(),
              fc.nat(60).map((n) => n * 3000),
              fc.nat(99).map((n) => n * 1024),
            ),
            durationTicks: fc.constantFrom(3000, 1024, 0, -1, Number.NaN),
            independent: fc.boolean(),
            bytes: fc.oneof(
              fc.uint8Array({ maxLength: 64 }),
              fc.uint8Array({ maxLength: 32 }).map((tail) => Uint8Array.of(0, 0, 1, ...tail)),
            ),
          }),
          { maxLength: 40 },
        ),
        (frames) => {
          const target = packager();
          const known = Object.keys(packagerErrors.definitions).map((name) => `PACKAGER_${name}`);
          for (const frame of frames) {
            const code = errorCodeOf(() => {
              for (const part of target.push(frame, 0))
                if (part.bytes) parseWithMp4box(concatBytes([target.initSegments[part.track], part.bytes]));
            });
            expect(['none', ...known]).toContain(code);
          }
        },
      ),
    );
  });
});

describe('over any sequence of frames', () => {
  /** Indexes of frames that arrive: mostly in order, with holes, repeats, and a late start. */
  const arrivals = fc
    .record({
      from: fc.nat(20),
      steps: fc.array(fc.oneof({ weight: 12, arbitrary: fc.constant(1) }, fc.integer({ min: -2, max: 9 })), {
        minLength: 20,
        maxLength: 200,
      }),
    })
    .map(({ from, steps }) => {
      let index = from;
      return [from, ...steps.map((step) => (index = Math.max(0, index + step)))];
    });

  it.each(['video', 'audio'] as const)('%s positions grow one by one, and parts are whole', (track) => {
    const frameOf = (index: number) => (track === 'video' ? videoFrame(index) : audioFrame(index));
    fc.assert(
      fc.property(arrivals, (indexes) => {
        const target = packager();
        const parts = pushAll(target, indexes.map(frameOf));
        const ordinals = parts.map((part) => part.mediaSequenceNumber * 5 + part.partIndex);
        expect(ordinals).toEqual(range(parts.length).map((index) => (ordinals[0] ?? 0) + index));
        expect((ordinals[0] ?? 0) % 5).toBe(0);
        const firstAfterGap = parts.filter((part, index) => part.bytes && !parts[index - 1]?.bytes);
        expect(firstAfterGap.filter((part) => !part.independent)).toEqual([]);
        const { samples } = parseWithMp4box(concatBytes([target.initSegments[track], bytesOf(parts)]));
        const wholeFrameCount = parts
          .filter((part) => part.bytes)
          .reduce((sum, part) => sum + part.durationTicks / (track === 'video' ? 3000 : 1024), 0);
        expect([...samples.values()].flat()).toHaveLength(wholeFrameCount);
      }),
      { numRuns: 60 },
    );
  });
});

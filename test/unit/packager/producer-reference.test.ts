import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, readBoxes } from '../../../domain/cmaf/box.ts';
import {
  type ProducerReference,
  readProducerReference,
  writeProducerReference,
} from '../../../domain/cmaf/producer-reference.ts';
import { CAPTURE_TO_GRID_MS } from '../../../domain/profile.ts';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import { Packager } from '../../../gpu-runner/packager/packager.ts';
import { PlaceInTime } from '../../../player/engines/place-in-time.ts';
import { parseWithMp4box } from './mp4box-parser.ts';
import { ENCODER, PROFILE, range, videoFrame } from './synthetic-frames.ts';

const { timescaleHz } = PROFILE.video;

describe('a producer reference time', () => {
  it('is read as it was written, to the microsecond, over the end of the NTP era of 2036 too', () => {
    const anyReference = fc.record<ProducerReference>({
      kind: fc.constantFrom('captured', 'arrived'),
      unixMs: fc.double({ min: EPOCH_MS, max: Date.UTC(2050, 0, 1), noNaN: true }),
    });
    fc.assert(
      fc.property(anyReference, fc.double({ min: -5_000, max: 5_000, noNaN: true }), (reference, offMs) => {
        const gridMs = Math.max(EPOCH_MS, reference.unixMs + offMs);
        const mediaTimeTicks = Math.round(((gridMs - EPOCH_MS) * timescaleHz) / 1000);
        const bytes = writeProducerReference(reference, { trackId: 1, mediaTimeTicks });
        const read = readProducerReference(bytes, timescaleHz);
        expect(read?.kind).toBe(reference.kind);
        expect(Math.abs((read?.unixMs ?? 0) - reference.unixMs)).toBeLessThan(1e-3);
        expect(Math.abs((read?.gridMs ?? 0) - gridMs)).toBeLessThan(0.01);
      }),
    );
  });

  it('counts NTP seconds from 1900: 2026-07-01T00:00:00.5Z is 3991852800 and a half', () => {
    const unixMs = Date.UTC(2026, 6, 1) + 500;
    const bytes = writeProducerReference(
      { kind: 'captured', unixMs },
      { trackId: 1, mediaTimeTicks: 90_000 },
    );
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '00000020707266740100001800000001edeed700800000000000000000015f90',
    );
  });

  it('whatever the bytes, reading ends, and finds nothing in what is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(readProducerReference(bytes, timescaleHz)).toBeUndefined();
      }),
    );
  });
});

describe('a chunk whose content’s time is known', () => {
  const unixMs = Date.UTC(2026, 6, 1) + 0.25;
  const [first, ...others] = range(3).map((index) => videoFrame(index));
  if (!first) throw new Error('no frames');
  const parts = (reference?: ProducerReference) => {
    const packager = new Packager({ profile: PROFILE, encoder: ENCODER });
    const frames = [reference ? { ...first, reference } : first, ...others];
    return { packager, parts: frames.flatMap((frame) => packager.push(frame, 0)) };
  };

  it('begins with it, is the same chunk otherwise, and is read by an independent parser', () => {
    const plain = parts().parts[0]?.bytes ?? new Uint8Array();
    const { packager, parts: made } = parts({ kind: 'arrived', unixMs });
    const bytes = made[0]?.bytes ?? new Uint8Array();
    expect(readBoxes(bytes).map(({ type }) => type)).toEqual(['prft', 'moof', 'mdat']);
    expect(Buffer.from(bytes.subarray(32))).toEqual(Buffer.from(plain));
    const { samples } = parseWithMp4box(concatBytes([packager.initSegments.video, bytes]));
    expect(samples.get(1)?.length).toBe(others.length + 1);
    expect(samples.get(1)?.[0]?.dts).toBe(first.decodeTimeTicks);
  });
});

describe('what the player makes of it', () => {
  const mediaTimeTicks = 90_000 * 1_000;
  const gridMs = EPOCH_MS + 1_000_000;
  const learnt = (reference: ProducerReference) => {
    const place = new PlaceInTime('video');
    place.learn(writeProducerReference(reference, { trackId: 1, mediaTimeTicks }));
    return place;
  };

  it('a picture that came in 12 ms after its slot began lies 12 ms later, and nobody knows when it was captured', () => {
    const place = learnt({ kind: 'arrived', unixMs: gridMs + 12 });
    expect(place.offGridMs).toBeCloseTo(12, 3);
    expect(place.sinceCaptureMs).toBeUndefined();
  });

  it('a picture lies as long after its capture as the profile says, and that is how old it was on the grid', () => {
    const place = learnt({ kind: 'captured', unixMs: gridMs - CAPTURE_TO_GRID_MS - 7 });
    expect(place.offGridMs).toBeCloseTo(-7, 3);
    expect(place.sinceCaptureMs).toBe(CAPTURE_TO_GRID_MS);
  });

  it('what lies further from its slot than any content can is not believed', () => {
    expect(learnt({ kind: 'arrived', unixMs: gridMs + 5_000 }).offGridMs).toBe(0);
  });

  it('a chunk without it changes nothing that was learnt', () => {
    const place = learnt({ kind: 'arrived', unixMs: gridMs + 12 });
    place.learn(new Uint8Array(64));
    expect(place.offGridMs).toBeCloseTo(12, 3);
  });
});

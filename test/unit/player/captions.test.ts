import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { captionsOfNalUnit } from '../../../domain/captions.ts';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import { writeChunk } from '../../../gpu-runner/packager/chunk.ts';
import { CaptionText } from '../../../player/engines/caption-text.ts';
import { VideoSampleReader } from '../../../player/engines/video-samples.ts';

const START_MS = EPOCH_MS + 1_000_000_000;
const PICTURE_MS = 100 / 3;

/** An SEI message with constructs of field 1, as an encoder writes it. */
function sei(...pairs: readonly (readonly [number, number])[]): Uint8Array {
  const constructs = pairs.flatMap(([first, second]) => [0xfc, first, second]);
  const payload = [0xb5, 0, 0x31, 0x47, 0x41, 0x39, 0x34, 3, 0x40 | pairs.length, 0xff, ...constructs, 0xff];
  return Uint8Array.of(6, 4, payload.length, ...payload, 0x80);
}

const slice = Uint8Array.of(0x41, 1, 2, 3);

function sampleOf(...units: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(units.flatMap((unit) => [0, 0, 0, unit.byteLength, ...unit]));
}

/** A part of three pictures, each with these captions. */
function part(index: number, pictures: readonly (readonly (readonly [number, number])[])[]): Uint8Array {
  return writeChunk({
    track: 'video',
    sequenceNumber: index,
    decodeTimeTicks: (START_MS - EPOCH_MS + index * 100) * 90,
    samples: pictures.map((pairs, picture) => ({
      bytes: pairs.length > 0 ? sampleOf(sei(...pairs), slice) : sampleOf(slice),
      independent: index === 0 && picture === 0,
    })),
  });
}

/** CEA-608 (§B): roll-up of two rows, carriage return, row 15, and letters with odd parity left out. */
const ROLL_UP_2 = [0x14, 0x25] as const;
const CARRIAGE_RETURN = [0x14, 0x2d] as const;
const ROW_15 = [0x14, 0x70] as const;
const ERASE = [0x14, 0x2c] as const;
const letters = (text: string) => [text.charCodeAt(0), text.charCodeAt(1)] as const;

function reader(...parts: readonly Uint8Array[]): CaptionText {
  const captions = new CaptionText();
  for (const bytes of parts) captions.add(bytes);
  return captions;
}

describe('captions of a stream', () => {
  const said = [
    part(0, [[ROLL_UP_2], [CARRIAGE_RETURN], [ROW_15]]),
    part(1, [[letters('HE')], [letters('LL')], [letters('O ')]]),
    part(2, [[], [CARRIAGE_RETURN], [letters('YO')]]),
    part(3, [[ERASE], [], []]),
  ];

  it('stand on the screen letter by letter, at the instants of their pictures', () => {
    const captions = reader(...said);
    expect(captions.isThere).toBe(true);
    expect(captions.textAt(START_MS + 90)).toBe('');
    expect(captions.textAt(START_MS + 101)).toBe('HE');
    expect(captions.textAt(START_MS + 100 + PICTURE_MS + 1).trim()).toBe('HELL');
    const lines = captions.textAt(START_MS + 299).split('\n');
    expect(lines.map((line) => line.trim())).toEqual(['HELLO', 'YO']);
    expect(captions.textAt(START_MS + 301)).toBe('');
  });

  it('are read whatever the pieces in which the bytes come', () => {
    const whole = Uint8Array.from(said.flatMap((bytes) => [...bytes]));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sizes) => {
        const captions = new CaptionText();
        for (let offset = 0, turn = 0; offset < whole.byteLength; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          captions.add(whole.subarray(offset, offset + size));
          offset += size;
        }
        expect(
          captions
            .textAt(START_MS + 280)
            .replaceAll(/\s+/g, ' ')
            .trim(),
        ).toBe('HELLO YO');
      }),
    );
  });

  it('after a cut go on with the next part', () => {
    const captions = reader(said[0] ?? new Uint8Array(), (said[1] ?? new Uint8Array()).subarray(0, 40));
    captions.cut();
    captions.add(said[2] ?? new Uint8Array());
    expect(captions.textAt(START_MS + 299).trim()).toBe('YO');
  });

  it('a feed without any has none', () => {
    const captions = reader(part(0, [[], [], []]), part(1, [[[0x80, 0x80]], [], []]));
    expect(captions.isThere).toBe(false);
    expect(captions.textAt(START_MS + 150)).toBe('');
  });

  it('that never end are taken off after a while', () => {
    const captions = reader(...said.slice(0, 2));
    expect(captions.textAt(START_MS + 10_000).trim()).toBe('HELLO');
    expect(captions.textAt(START_MS + 20_000)).toBe('');
  });
});

describe('an SEI message', () => {
  it('gives its constructs without the bytes against start codes', () => {
    const unit = sei([0, 0]);
    const at = unit.indexOf(0xfc) + 1;
    const escaped = Uint8Array.of(...unit.subarray(0, at), 0, 0, 3, 0xff, 0x80);
    expect(captionsOfNalUnit(escaped)).toEqual([{ kind: 0, first: 0, second: 0 }]);
  });

  it('of another kind, and whatever else comes, gives none and throws nothing', () => {
    expect(captionsOfNalUnit(Uint8Array.of(6, 5, 2, 1, 2, 0x80))).toEqual([]);
    expect(captionsOfNalUnit(slice)).toEqual([]);
    const samples = new VideoSampleReader({ timescaleHz: 90_000, chunkMs: 100 });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        captionsOfNalUnit(Uint8Array.of(6, 4, ...bytes));
        samples.add(bytes);
        samples.reset();
      }),
    );
  });
});

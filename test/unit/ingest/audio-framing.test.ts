import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AudioFramer,
  type AudioHeaderReader,
  durationTicks,
} from '../../../gpu-runner/ingest/audio-framing.ts';
import {
  readAc3Header,
  readAdtsHeader,
  readLoasHeader,
  readMpegAudioHeader,
} from '../../../gpu-runner/ingest/audio-headers.ts';

/** An ADTS frame, 48 kHz stereo, of so many bytes, with a payload that holds no sync word. */
function adtsFrame(byteCount: number, fill = 0x11): Uint8Array {
  const frame = new Uint8Array(byteCount).fill(fill);
  frame.set([
    0xff,
    0xf1,
    0x4c,
    0x80 | (byteCount >> 11),
    (byteCount >> 3) & 0xff,
    ((byteCount & 7) << 5) | 0x1f,
    0xfc,
  ]);
  return frame;
}

const adtsFrames = fc.array(fc.integer({ min: 16, max: 400 }), { minLength: 2, maxLength: 30 });

describe('audio frames in PES packets', () => {
  test('however the sender cuts them, every frame comes out whole and in order', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(adtsFrames, cuts, (sizes, pesSizes) => {
        const stream = Buffer.concat(sizes.map((size) => adtsFrame(size)));
        const framer = new AudioFramer(readAdtsHeader);
        const found: number[] = [];
        let offset = 0;
        for (let index = 0; offset < stream.length; index += 1) {
          const size = pesSizes[index % pesSizes.length] ?? 1;
          for (const frame of framer.push(stream.subarray(offset, offset + size), undefined))
            found.push(frame.bytes.length);
          offset += size;
        }
        // The reader looks at one byte after the shortest header, so the very last frame may still wait.
        expect(sizes.slice(0, found.length)).toEqual(found);
        expect(found.length).toBe(sizes.length);
      }),
    );
  });

  test('a timestamp belongs to the first frame that begins in its PES packet; the others follow from it', () => {
    const framer = new AudioFramer(readAdtsHeader);
    const [first, second, third] = [adtsFrame(100), adtsFrame(120), adtsFrame(140)];
    const stream = Buffer.concat([first, second, third]);
    const found = [
      ...framer.push(stream.subarray(0, 150), 90_000n),
      ...framer.push(stream.subarray(150), 500_000n),
    ];
    expect(found.map((frame) => frame.ptsTicks)).toEqual([90_000n, 91_920n, 500_000n]);
  });

  test('frames of one PES packet follow each other by their samples', () => {
    const framer = new AudioFramer(readAdtsHeader);
    const found = framer.push(Buffer.concat([adtsFrame(50), adtsFrame(60), adtsFrame(70)]), 1_000n);
    expect(found.map((frame) => frame.ptsTicks)).toEqual([1_000n, 2_920n, 4_840n]);
  });

  test('bytes that are no frame are passed over', () => {
    const framer = new AudioFramer(readAdtsHeader);
    const found = framer.push(Buffer.concat([new Uint8Array(37).fill(0x22), adtsFrame(64)]), 7n);
    expect(found.map((frame) => frame.bytes.length)).toEqual([64]);
  });

  test('payload that looks like a header after a loss is not taken for one', () => {
    const framer = new AudioFramer(readAdtsHeader);
    const rest = Uint8Array.from([...new Uint8Array(10).fill(0x22), ...adtsFrame(30).subarray(0, 20)]);
    const found = framer.push(Buffer.concat([rest, adtsFrame(64), adtsFrame(80)]), 7n);
    expect(found.map((frame) => frame.bytes.length)).toEqual([64, 80]);
  });

  test('no bytes are too odd, and what is kept of them has a limit', () => {
    const readers: AudioHeaderReader[] = [readAdtsHeader, readLoasHeader, readMpegAudioHeader, readAc3Header];
    fc.assert(
      fc.property(
        fc.constantFrom(...readers),
        fc.array(fc.uint8Array({ maxLength: 300 })),
        (reader, parts) => {
          const framer = new AudioFramer(reader);
          for (const part of parts)
            for (const frame of framer.push(part, 0n)) {
              expect(frame.byteCount).toBeGreaterThan(0);
              expect(frame.sampleRateHz).toBeGreaterThan(0);
            }
        },
      ),
    );
  });
});

describe('audio frame headers', () => {
  test('AAC in ADTS: 48 kHz stereo', () => {
    expect(readAdtsHeader(adtsFrame(300), 0)).toEqual({
      byteCount: 300,
      sampleCount: 1024,
      sampleRateHz: 48_000,
      channelCount: 2,
    });
  });

  test('MP2 at 48 kHz and 192 kbps has frames of 576 bytes and 24 ms', () => {
    const header = readMpegAudioHeader(Uint8Array.of(0xff, 0xfd, 0xa4, 0x04, 0, 0, 0, 0), 0);
    expect(header).toEqual({ byteCount: 576, sampleCount: 1152, sampleRateHz: 48_000, channelCount: 2 });
    expect(durationTicks({ sampleCount: 1152, sampleRateHz: 48_000 })).toBe(2_160n);
  });

  test('AC-3 at 48 kHz and 448 kbps 5.1 has frames of 1792 bytes, 32 ms and six channels', () => {
    // acmod 7 (3/2), centre and surround mix levels, then lfeon.
    const header = readAc3Header(Uint8Array.of(0x0b, 0x77, 0, 0, 0x1e, 0x40, 0xe1, 0), 0);
    expect(header).toEqual({ byteCount: 1792, sampleCount: 1536, sampleRateHz: 48_000, channelCount: 6 });
  });

  test('E-AC-3 stereo of 768 bytes', () => {
    const words = 768 / 2 - 1;
    const header = readAc3Header(Uint8Array.of(0x0b, 0x77, words >> 8, words & 0xff, 0x34, 0x80, 0, 0), 0);
    expect(header).toEqual({ byteCount: 768, sampleCount: 1536, sampleRateHz: 48_000, channelCount: 2 });
  });
});

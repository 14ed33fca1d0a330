import type { Packet } from 'node-av/lib';
import { beforeAll, describe, expect, test } from 'vitest';
import { openLiveAudio, openLiveVideo } from '../../../tools/feeds/camera.ts';
import { parseFeedOptions } from '../../../tools/feeds/options.ts';
import { TsMuxer } from '../../../tools/feeds/ts-muxer.ts';
import { TsRetimer } from '../../../tools/feeds/ts-retimer.ts';

const OPTIONS = parseFeedOptions({ to: 'srt://127.0.0.1:9', widthPx: 320, heightPx: 180 });
const TS_BYTES = 188;
const FRAME_TICKS = 3_000;
const FRAME_COUNT = 40;
const START_TICKS = 900_000;
/** Lies so close before the wrap of 33 bits that the run passes it. */
const BEFORE_WRAP_TICKS = 2 ** 33 - 20 * FRAME_TICKS;

describe('MPEG-TS that is sent again', () => {
  let original: Buffer;

  beforeAll(async () => {
    original = await mux(START_TICKS);
  });

  test.each([
    ['a second later', START_TICKS + 90_000],
    ['by an odd step', START_TICKS + 12_345_677],
    ['earlier', START_TICKS - 450_000],
    ['beyond the wrap of its timestamps', BEFORE_WRAP_TICKS],
  ])('is what a muxer makes of the same packets %s', async (_name, startTicks) => {
    const expected = await mux(startTicks);
    expect(original.equals(expected)).toBe(false);
    const retimed = new TsRetimer().retime(original, startTicks - START_TICKS);
    expect(retimed.equals(expected)).toBe(true);
  });

  test('leaves the original as it was', () => {
    const before = Buffer.from(original);
    new TsRetimer().retime(original, 1_000);
    expect(original.equals(before)).toBe(true);
  });

  test('goes on counting where it stopped, for each PID', () => {
    const retimer = new TsRetimer();
    const rounds = [0, 1, 2].map((round) => retimer.retime(original, round * FRAME_COUNT * FRAME_TICKS));
    const all = Buffer.concat(rounds);
    const countersOf = new Map<number, number[]>();
    for (let at = 0; at < all.length; at += TS_BYTES) {
      // Only what carries a payload counts.
      if ((all.readUInt8(at + 3) & 0x10) === 0) continue;
      const pid = all.readUInt16BE(at + 1) & 0x1fff;
      countersOf.set(pid, [...(countersOf.get(pid) ?? []), all.readUInt8(at + 3) & 0x0f]);
    }
    for (const counters of countersOf.values())
      expect(counters).toEqual(counters.map((_, index) => index % 16));
    // Tables, picture and sound.
    expect(countersOf.size).toBeGreaterThanOrEqual(4);
    expect([...countersOf.values()].flat().length).toBeGreaterThan(3 * FRAME_COUNT);
  });
});

/** The same packets each time, since the encoders see the same pictures. */
async function mux(startTicks: number): Promise<Buffer> {
  const video = await openLiveVideo(OPTIONS, { globalHeader: false });
  const audio = await openLiveAudio(OPTIONS, { globalHeader: false });
  if (!audio) throw new Error('a feed with sound was asked for');
  const muxer = await TsMuxer.open([video.context, audio.context], OPTIONS);
  const bytes: Buffer[] = [];
  const write = (streamIndex: number, ptsTicks: number) => async (packet: Packet) => {
    bytes.push(await muxer.write(streamIndex, packet, ptsTicks));
  };
  const atMs = Date.UTC(2026, 5, 1);
  for (let index = 0; index < FRAME_COUNT; index++) {
    const ptsTicks = startTicks + index * FRAME_TICKS;
    await video.encode(index, atMs + (index * 1000) / 30, write(0, ptsTicks));
    await audio.encode(index, atMs + (index * 1024) / 48, write(1, ptsTicks));
  }
  bytes.push(await muxer.close());
  video.close();
  audio.close();
  return Buffer.concat(bytes);
}

import { describe, expect, test } from 'vitest';
import {
  captureInstantMs,
  precisionTimeStamp,
  timeOfTimecode,
} from '../../../gpu-runner/transcode/capture-time.ts';

describe('a precision time stamp (MISB ST 0604)', () => {
  const micros = BigInt(Date.UTC(2026, 10, 29, 10, 30, 0)) * 1000n + 123_456n;
  const stamp = (units: bigint) => {
    const hex = units.toString(16).padStart(16, '0');
    const pairs = [0, 4, 8, 12].map((at) => hex.slice(at, at + 4));
    return `9f${pairs.join('ff')}`;
  };

  test.each([
    { name: 'H.264, microseconds', uuid: Buffer.from('MISPmicrosectime').toString('hex'), units: micros },
    { name: 'HEVC, microseconds', uuid: 'a8687dd4d7593758a5cef0338b6545f1', units: micros },
    { name: 'HEVC, nanoseconds', uuid: 'cf848278ee23306c9265e8fef22fb8b8', units: micros * 1000n },
  ])('$name: is the instant that it says', ({ uuid, units }) => {
    const read = precisionTimeStamp(Buffer.from(uuid + stamp(units), 'hex'));
    expect(read).toMatchObject({ kind: 'instant' });
    expect(read && captureInstantMs(read, 0)).toBeCloseTo(Date.UTC(2026, 10, 29, 10, 30, 0) + 123.456, 2);
  });

  test('other user data, and one that is cut short, say nothing', () => {
    const ours = Buffer.from('MISPmicrosectime').toString('hex');
    expect(precisionTimeStamp(Buffer.from('x264 - core 164 r3095 - H.264/MPEG-4 AVC codec'))).toBeUndefined();
    expect(precisionTimeStamp(Buffer.from(`${ours}${stamp(micros).slice(0, -2)}`, 'hex'))).toBeUndefined();
    expect(precisionTimeStamp(Buffer.alloc(0))).toBeUndefined();
  });
});

describe('a timecode (SMPTE ST 12-1)', () => {
  /** As FFmpeg hands it out: how many, then hours, minutes, seconds and frames in BCD. */
  const timecode = (bits: number, count = 1) => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32LE(count, 0);
    bytes.writeUInt32LE(bits >>> 0, 4);
    return bytes;
  };
  const at = (hours: number, minutes: number, seconds: number, ms: number) =>
    ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;

  test.each([
    { text: '10:31:59:24 at 30 fps', bits: 0x24_59_31_10, rate: 30, ms: at(10, 31, 59, 800) },
    {
      text: '23:59:59;29 at 29.97 fps, drop frame',
      bits: 0x69_59_59_23,
      rate: 29.97,
      ms: at(23, 59, 59, (29 * 1000) / 30),
    },
    { text: '01:02:03:12 at 25 fps', bits: 0x12_03_02_01, rate: 25, ms: at(1, 2, 3, 480) },
    {
      text: '01:02:03:12 and a half at 50 fps',
      bits: 0x12_03_02_81,
      rate: 50,
      ms: at(1, 2, 3, 500),
    },
    {
      text: '01:02:03:12 and a half at 59.94 fps',
      bits: 0x12_83_02_01,
      rate: 59.94,
      ms: at(1, 2, 3, (25 * 1000) / 60),
    },
  ])('$text', ({ bits, rate, ms }) => {
    const read = timeOfTimecode(timecode(bits), rate);
    expect(read?.kind === 'time-of-day' && read.msOfDay).toBeCloseTo(ms, 6);
  });

  test('what is no time of day, or counts more frames than a second has, says nothing', () => {
    expect(timeOfTimecode(timecode(0x00_00_00_25), 30)).toBeUndefined();
    expect(timeOfTimecode(timecode(0x00_00_61_10), 30)).toBeUndefined();
    expect(timeOfTimecode(timecode(0x29_00_00_10), 25)).toBeUndefined();
    expect(timeOfTimecode(timecode(0x00_00_00_10, 0), 30)).toBeUndefined();
    expect(timeOfTimecode(Buffer.alloc(4), 30)).toBeUndefined();
  });

  test.each([
    { said: '00:00:00.100', now: Date.UTC(2026, 10, 29, 0, 0, 0, 300), aheadMs: -200 },
    { said: '23:59:59.900', now: Date.UTC(2026, 10, 29, 0, 0, 0, 100), aheadMs: -200 },
    { said: '00:00:00.100', now: Date.UTC(2026, 10, 28, 23, 59, 59, 900), aheadMs: 200 },
  ])('$said is of the day that is nearest', ({ said, now, aheadMs }) => {
    const msOfDay = Date.parse(`1970-01-01T${said}Z`);
    expect(captureInstantMs({ kind: 'time-of-day', msOfDay }, now) - now).toBe(aheadMs);
  });
});

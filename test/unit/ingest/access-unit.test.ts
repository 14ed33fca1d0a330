import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOneAccessUnit, nalUnits, readAccessUnit } from '../../../gpu-runner/ingest/access-unit.ts';

/** NAL units joined with four-byte start codes. */
function annexB(...nals: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(nals.flatMap((nal) => [0, 0, 0, 1, ...nal]));
}

const HEVC = {
  aud: [35 << 1, 1, 0x50],
  vps: [32 << 1, 1, 0x11],
  sps: [33 << 1, 1, 0x22],
  pps: [34 << 1, 1, 0x33],
  idrFirstSlice: [19 << 1, 1, 0x80, 7],
  idrNextSlice: [19 << 1, 1, 0x40, 7],
  trailFirstSlice: [1 << 1, 1, 0x80, 7],
};
const H264 = { aud: [9, 0xf0], sps: [0x67, 0x42], pps: [0x68, 1], idr: [0x65, 0x88], slice: [0x41, 0x9a] };

describe('access units', () => {
  test('an HEVC IDR picture with parameter sets is where decoding can begin', () => {
    const content = readAccessUnit(
      annexB(HEVC.aud, HEVC.vps, HEVC.sps, HEVC.pps, HEVC.idrFirstSlice),
      'hevc',
    );
    expect(content).toMatchObject({ keyframe: true, pictureParameterSet: true });
    expect([...(content.sequenceParameterSet ?? [])]).toEqual(HEVC.sps);
  });

  test('an HEVC trailing picture is not', () => {
    expect(readAccessUnit(annexB(HEVC.aud, HEVC.trailFirstSlice), 'hevc').keyframe).toBe(false);
  });

  test('an H.264 IDR is, a P picture is not', () => {
    expect(readAccessUnit(annexB(H264.aud, H264.sps, H264.pps, H264.idr), 'h264').keyframe).toBe(true);
    expect(readAccessUnit(annexB(H264.aud, H264.slice), 'h264').keyframe).toBe(false);
  });

  test('several slices of one picture are one access unit', () => {
    expect(isOneAccessUnit(annexB(HEVC.aud, HEVC.idrFirstSlice, HEVC.idrNextSlice), 'hevc')).toBe(true);
  });

  test('two pictures in one PES packet are not', () => {
    expect(isOneAccessUnit(annexB(HEVC.idrFirstSlice, HEVC.aud, HEVC.trailFirstSlice), 'hevc')).toBe(false);
  });

  test('a PES packet that begins inside a picture is not', () => {
    const bytes = annexB(HEVC.aud, HEVC.trailFirstSlice).subarray(3);
    expect(isOneAccessUnit(bytes, 'hevc')).toBe(false);
    expect(isOneAccessUnit(annexB(HEVC.idrNextSlice), 'hevc')).toBe(false);
  });

  test('two H.264 fields of one frame are taken as they come', () => {
    expect(isOneAccessUnit(annexB(H264.aud, H264.idr, H264.slice), 'h264')).toBe(true);
  });

  test('no bytes are too odd to look at', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom('hevc', 'h264'), (bytes, codec) => {
        readAccessUnit(bytes, codec);
        isOneAccessUnit(bytes, codec);
      }),
    );
  });

  test('NAL units come out as they went in, whatever lies between start codes of three and four bytes', () => {
    const nal = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(fc.tuple(nal, fc.boolean()), { minLength: 1 }), (nals) => {
        const bytes = nals.flatMap(([content, long]) => [...(long ? [0] : []), 0, 0, 1, ...content]);
        const found = [...nalUnits(Uint8Array.from(bytes))].map((each) => [...each]);
        expect(found).toEqual(nals.map(([content]) => content));
      }),
    );
  });
});

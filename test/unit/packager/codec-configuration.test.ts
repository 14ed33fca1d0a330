import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEED_PROFILE } from '../../../domain/profile.ts';
import { splitAnnexB, videoSampleOf } from '../../../gpu-runner/packager/annex-b.ts';
import {
  audioConfigurationOf,
  videoConfigurationOf,
} from '../../../gpu-runner/packager/codec-configuration.ts';
import { parseSequenceParameterSet } from '../../../gpu-runner/packager/sequence-parameter-set.ts';
import { errorCodeOf } from './error-code.ts';
import { ENCODER, PPS_HEX, SPS_HEX } from './synthetic-frames.ts';

const VIDEO = SEED_PROFILE.video;
const AUDIO = SEED_PROFILE.audio;
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

describe('NAL units', () => {
  it.each([
    ['three-byte start codes', '000001090000016555', ['09', '6555']],
    ['four-byte start codes', '0000000109300000000165aa', ['0930', '65aa']],
    ['zero bytes after a unit', '00000165aa000000000001419a0000', ['65aa', '419a']],
    ['no start code at all', '65aa419a', []],
    ['bytes before the first start code', 'ffff00000165aa', ['65aa']],
    ['nothing', '', []],
    ['a start code at the end', '00000165000001', ['65']],
    ['an escaped zero run inside', '00000165000003010203', ['65000003010203']],
  ])('%s', (_name, hex, expected) => {
    expect(splitAnnexB(bytes(hex)).map((unit) => Buffer.from(unit).toString('hex'))).toEqual(expected);
  });

  it('any units that are written with start codes are found again', () => {
    const unit = fc
      .uint8Array({ minLength: 1, maxLength: 40 })
      .map((body) => Uint8Array.of(0x41, ...body.map((byte) => Math.max(byte, 4))));
    fc.assert(
      fc.property(fc.array(fc.tuple(unit, fc.boolean()), { maxLength: 10 }), (units) => {
        const stream = units.flatMap(([body, long]) => [...(long ? [0, 0, 0, 1] : [0, 0, 1]), ...body]);
        expect(splitAnnexB(Uint8Array.from(stream))).toEqual(units.map(([body]) => body));
      }),
    );
  });

  it('of a sample leave out what the sample entry says and what only a byte stream needs', () => {
    const accessUnit = bytes(`0000000109f000000001${SPS_HEX}00000001${PPS_HEX}0000010c8000000165aa`);
    const sample = videoSampleOf(accessUnit, [bytes(SPS_HEX), bytes(PPS_HEX)]);
    expect(Buffer.from(sample.bytes).toString('hex')).toBe('0000000265aa');
    expect(sample.independent).toBe(true);
  });

  it('keep SEI messages, which may hold captions', () => {
    const sample = videoSampleOf(bytes('00000106040180000001419a'), []);
    expect(Buffer.from(sample.bytes).toString('hex')).toBe('000000040604018000000002419a');
    expect(sample.independent).toBe(false);
  });
});

describe('the sequence parameter set', () => {
  it('of x264 at 640x360: profile, level, and the size after cropping 368 lines', () => {
    expect(parseSequenceParameterSet(bytes(SPS_HEX))).toEqual({
      profileIdc: 100,
      constraints: 0,
      levelIdc: 30,
      chromaFormatIdc: 1,
      bitDepthLuma: 8,
      bitDepthChroma: 8,
      widthPx: 640,
      heightPx: 360,
    });
  });

  it('of any bytes is read or refused, never read past its end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        const code = errorCodeOf(() => parseSequenceParameterSet(Uint8Array.of(0x67, ...body)));
        expect(['none', 'PACKAGER_BAD_PARAMETER_SETS']).toContain(code);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the video configuration', () => {
  it('states the codec as RFC 6381 does', () => {
    expect(videoConfigurationOf(ENCODER.videoExtradata, VIDEO).codecs).toBe('avc1.64001e');
  });

  it.each([
    ['nothing', ''],
    ['garbage', 'deadbeef'],
    ['a PPS alone', `000001${PPS_HEX}`],
    ['an SPS alone', `000001${SPS_HEX}`],
    ['two SPS', `000001${SPS_HEX}000001${SPS_HEX}000001${PPS_HEX}`],
    ['an SPS that is cut short', `0000016764000000000168ef3cb0`],
    ['an avcC instead of Annex B', `0164001effe1`],
  ])('from %s is refused with a remedy', (_name, hex) => {
    const attempt = () => videoConfigurationOf(bytes(hex), VIDEO);
    expect(attempt).toThrow('parameter sets');
  });

  it('of another size than the profile is refused, and the message names both', () => {
    const attempt = () => videoConfigurationOf(ENCODER.videoExtradata, { ...VIDEO, heightPx: 480 });
    expect(attempt).toThrow('640x360, the profile says 640x480');
  });
});

describe('the audio configuration', () => {
  it('states the codec as RFC 6381 does', () => {
    expect(audioConfigurationOf(ENCODER.audioSpecificConfig, AUDIO).codecs).toBe('mp4a.40.2');
  });

  it.each([
    ['nothing', '', 'no usable AudioSpecificConfig'],
    ['HE-AAC', '2b118800', 'object type is 5'],
    ['44.1 kHz', '1210', 'Audio is 44100 Hz'],
    ['mono', '1188', 'with 1 channels'],
    ['an explicit rate', '1780', 'none of the standard ones'],
  ])('of %s is refused', (_name, hex, message) => {
    expect(() => audioConfigurationOf(bytes(hex), AUDIO)).toThrow(message);
  });
});

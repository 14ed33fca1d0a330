/**
 * Tells in each picture when it was captured, as encoders do that have their time from NTP or GPS: a precision time
 * stamp (MISB ST 0604 §7) or a time code (H.265 §D.2.27, HEVC only), in an SEI message in front of the picture.
 */
import type { FeedOptions } from './options.ts';

const START_CODE = Buffer.from([0, 0, 0, 1]);
/** Header of an SEI NAL unit: H.264 §7.3.1, nal_unit_type 6; H.265 §7.3.1.2, prefix SEI 39, layer 0. */
const H264_SEI_HEADER = Buffer.from([0x06]);
const HEVC_SEI_HEADER = Buffer.from([0x4e, 0x01]);
const USER_DATA_UNREGISTERED = 5;
const TIME_CODE = 136;
const H264_STAMP_UUID = Buffer.from('MISPmicrosectime', 'latin1');
const HEVC_STAMP_UUID = Buffer.from('a8687dd4d7593758a5cef0338b6545f1', 'hex');
/** Time status (MISB ST 0603 §7): not known to be locked to a reference, reserved bits one. */
const STATUS_LOCK_UNKNOWN = 0x9f;

/** @returns the NAL unit, with its start code, that goes in front of the picture captured at `unixMs`. */
export function captureSei(
  options: Pick<FeedOptions, 'captureTime' | 'videoCodec' | 'frameRate'>,
  unixMs: number,
): Buffer {
  const isH264 = options.videoCodec === 'h264';
  const message =
    options.captureTime === 'timecode'
      ? seiMessage(TIME_CODE, timeCode(unixMs, options.frameRate))
      : seiMessage(
          USER_DATA_UNREGISTERED,
          precisionTimeStamp(unixMs, isH264 ? H264_STAMP_UUID : HEVC_STAMP_UUID),
        );
  const header = isH264 ? H264_SEI_HEADER : HEVC_SEI_HEADER;
  return Buffer.concat([START_CODE, header, escaped(Buffer.concat([message, RBSP_END]))]);
}

/** Keeps two bytes of the time that are zero from looking like a start code. */
const ONES = Buffer.from([0xff]);
const RBSP_END = Buffer.from([0x80]);

function seiMessage(payloadType: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([payloadType, payload.byteLength]), payload]);
}

function precisionTimeStamp(unixMs: number, uuid: Buffer): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(Math.round(unixMs * 1000)));
  const pieces = [0, 2, 4, 6].flatMap((at) => [ONES, time.subarray(at, at + 2)]);
  // Between the pairs, not before the first.
  return Buffer.concat([uuid, Buffer.from([STATUS_LOCK_UNKNOWN]), ...pieces.slice(1)]);
}

/** Time of day in UTC; the frame that the camera is in at this instant. */
function timeCode(unixMs: number, frameRate: FeedOptions['frameRate']): Buffer {
  const at = new Date(unixMs);
  const frame = Math.floor(((unixMs % 1000) * Math.round(frameRate.num / frameRate.den)) / 1000);
  let bits = 0n;
  let bitCount = 0;
  const put = (value: number, width: number) => {
    bits = (bits << BigInt(width)) | BigInt(value);
    bitCount += width;
  };
  put(1, 2); // num_clock_ts
  put(1, 1); // clock_timestamp_flag
  put(0, 1); // units_field_based_flag
  put(0, 5); // counting_type
  put(1, 1); // full_timestamp_flag
  put(0, 1); // discontinuity_flag
  put(0, 1); // cnt_dropped_flag
  put(frame, 9);
  put(at.getUTCSeconds(), 6);
  put(at.getUTCMinutes(), 6);
  put(at.getUTCHours(), 5);
  put(0, 5); // time_offset_length
  put(1, 1); // the payload ends with a one and zeros up to a whole byte
  put(0, (8 - (bitCount % 8)) % 8);
  return Buffer.from(bits.toString(16).padStart(bitCount / 4, '0'), 'hex');
}

/** Bytes that would look like a start code get a 3 between them (H.264 §7.4.1, H.265 §7.4.2). */
function escaped(rbsp: Buffer): Buffer {
  const out: number[] = [];
  let zeroCount = 0;
  for (const byte of rbsp) {
    if (zeroCount >= 2 && byte <= 3) {
      out.push(3);
      zeroCount = 0;
    }
    out.push(byte);
    zeroCount = byte === 0 ? zeroCount + 1 : 0;
  }
  return Buffer.from(out);
}

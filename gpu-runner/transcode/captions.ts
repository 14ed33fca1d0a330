/**
 * CEA-608/708 captions ride on pictures, as bytes beside them (ATSC A/53 Part 4 §6.2.3). A picture that is
 * dropped would take its bytes along, and one that is repeated would say them twice: both garble the text.
 */
import { AV_FRAME_DATA_A53_CC } from 'node-av/constants';
import type { Frame } from 'node-av/lib';

/** A caption construct is 3 bytes, and a picture carries 31 of them at most (cc_count has 5 bits). */
const CONSTRUCT_BYTE_COUNT = 3;
const BYTE_COUNT_MAX = 31 * CONSTRUCT_BYTE_COUNT;

/** Hands the captions of dropped pictures to the next one that is shown. */
export class CaptionCarry {
  #waiting: Buffer = Buffer.alloc(0);

  /** The picture will not be shown. */
  dropped(picture: Frame): void {
    const captions = picture.getSideData(AV_FRAME_DATA_A53_CC);
    if (captions) this.#waiting = newest(Buffer.concat([this.#waiting, captions]));
  }

  /** The picture will be shown. */
  shown(picture: Frame): void {
    if (this.#waiting.byteLength === 0) return;
    const own = picture.getSideData(AV_FRAME_DATA_A53_CC) ?? Buffer.alloc(0);
    const joined = newest(Buffer.concat([this.#waiting, own]));
    this.#waiting = Buffer.alloc(0);
    picture.removeSideData(AV_FRAME_DATA_A53_CC);
    picture.newSideData(AV_FRAME_DATA_A53_CC, joined.byteLength).set(joined);
  }
}

/** The picture's captions have been encoded: it may be repeated without them. */
export function forgetCaptions(picture: Frame): void {
  picture.removeSideData(AV_FRAME_DATA_A53_CC);
}

/** The bytes of old captions are worth less than those of new ones. */
function newest(captions: Buffer): Buffer {
  return Buffer.from(captions.subarray(Math.max(0, captions.byteLength - BYTE_COUNT_MAX)));
}

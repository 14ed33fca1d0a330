/**
 * The picture that viewers see while the feed is gone: the last picture dimmed, or a plain slate, with the
 * words NO SIGNAL. Drawn by hand from a bitmap font, because a fresh machine may have no fonts at all.
 * Works on packed 4:2:0 pictures (ITU-T H.273 limited range, BT.709): luma, then Cb and Cr.
 */

export interface PackedPicture {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Planar (yuv420p) or with Cb and Cr interleaved (nv12); dimming and drawing are the same for both. */
  readonly bytes: Uint8Array;
}

const LUMA_BLACK = 16;
const LUMA_SLATE = 40;
const LUMA_WORDS = 235;
const CHROMA_NEUTRAL = 128;
/** Share of contrast and colour that is left of the last picture. */
const DIMMED_SHARE = 0.3;

/** 5 x 7 dots a letter, one string a row. */
const LETTERS: Readonly<Record<string, readonly string[]>> = {
  N: ['#...#', '##..#', '#.#.#', '#..##', '#...#', '#...#', '#...#'],
  O: ['.###.', '#...#', '#...#', '#...#', '#...#', '#...#', '.###.'],
  S: ['.####', '#....', '#....', '.###.', '....#', '....#', '####.'],
  I: ['.###.', '..#..', '..#..', '..#..', '..#..', '..#..', '.###.'],
  G: ['.####', '#....', '#....', '#..##', '#...#', '#...#', '.####'],
  A: ['.###.', '#...#', '#...#', '#####', '#...#', '#...#', '#...#'],
  L: ['#....', '#....', '#....', '#....', '#....', '#....', '#####'],
  ' ': [],
};
const LETTER_WIDTH_DOTS = 5;
const LETTER_HEIGHT_DOTS = 7;
const WORDS = 'NO SIGNAL';

/** Dims a picture in place and writes the words over it. */
export function drawNoSignal(picture: PackedPicture): void {
  const lumaCount = picture.widthPx * picture.heightPx;
  const { bytes } = picture;
  for (let at = 0; at < lumaCount; at++)
    bytes[at] = LUMA_BLACK + Math.max(0, (bytes[at] ?? 0) - LUMA_BLACK) * DIMMED_SHARE;
  for (let at = lumaCount; at < bytes.length; at++)
    bytes[at] = CHROMA_NEUTRAL + ((bytes[at] ?? 0) - CHROMA_NEUTRAL) * DIMMED_SHARE;
  drawWords(picture);
}

/** A plain dark grey picture with the words. */
export function slatePicture(size: { widthPx: number; heightPx: number }): PackedPicture {
  const lumaCount = size.widthPx * size.heightPx;
  const bytes = new Uint8Array(lumaCount * 1.5);
  bytes.fill(LUMA_SLATE, 0, lumaCount);
  bytes.fill(CHROMA_NEUTRAL, lumaCount);
  const picture = { ...size, bytes };
  drawWords(picture);
  return picture;
}

function drawWords(picture: PackedPicture): void {
  const { widthPx, heightPx, bytes } = picture;
  const widthDots = WORDS.length * (LETTER_WIDTH_DOTS + 1) - 1;
  // The words take about two thirds of the width.
  const dotPx = Math.max(1, Math.floor((widthPx * 2) / 3 / widthDots));
  const leftPx = Math.floor((widthPx - widthDots * dotPx) / 2);
  const topPx = Math.floor((heightPx - LETTER_HEIGHT_DOTS * dotPx) / 2);
  WORDS.split('').forEach((letter, index) => {
    const letterLeftPx = leftPx + index * (LETTER_WIDTH_DOTS + 1) * dotPx;
    LETTERS[letter]?.forEach((row, rowIndex) => {
      row.split('').forEach((dot, columnIndex) => {
        if (dot !== '#') return;
        const fromPx = letterLeftPx + columnIndex * dotPx;
        for (let line = 0; line < dotPx; line++) {
          const start = (topPx + rowIndex * dotPx + line) * widthPx + fromPx;
          bytes.fill(LUMA_WORDS, start, start + dotPx);
        }
      });
    });
  });
}

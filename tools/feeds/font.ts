/** A 5 x 7 bitmap font, because a fresh machine has no font file. */
import { GLYPHS } from './glyphs.ts';

export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;
/** One empty column between characters. */
export const GLYPH_ADVANCE = GLYPH_WIDTH + 1;

/** Width of a text in font pixels. */
export function textWidth(text: string): number {
  return Math.max(0, text.length * GLYPH_ADVANCE - 1);
}

/** Calls back for each lit font pixel of a text. Letters without a glyph show as a box. */
export function forEachTextPixel(text: string, lit: (column: number, row: number) => void): void {
  let left = 0;
  for (const character of text.toUpperCase()) {
    const rows = GLYPHS[character] ?? GLYPHS['\u25a1'] ?? [];
    for (const [row, bits] of rows.entries()) {
      for (let column = 0; column < GLYPH_WIDTH; column++) {
        if (bits & (1 << (GLYPH_WIDTH - 1 - column))) lit(left + column, row);
      }
    }
    left += GLYPH_ADVANCE;
  }
}

/**
 * A clock that machines read from pixels: the wall-clock instant at which a frame was captured and the number
 * of its feed, as black and white cells in the lower left of the picture. Glass-to-glass latency is then
 * `now - reading.atMs`, measured on what a viewer really sees.
 *
 * 18 x 6 cells. The outer ring alternates white and black: it is the sync pattern, and it also teaches the
 * reader what black and white look like after compression, dimming or a change of range. Inside, row by row,
 * 64 bits: feed number (8), milliseconds since EPOCH in Gray code (40), CRC-16 of the former (16).
 *
 * Pure: runs in Node and inside a page.
 */
import { EPOCH_MS } from '../../domain/timeline.ts';

export const CODE_COLUMNS = 18;
export const CODE_ROWS = 6;
const PAYLOAD_BITS = (CODE_COLUMNS - 2) * (CODE_ROWS - 2);
const CRC_BITS = 16;
/** Below this distance between black and white the picture is taken to hold no code. */
const MIN_CONTRAST = 24;

export interface ClockReading {
  /** Unix milliseconds. */
  readonly atMs: number;
  /** 0 to 255. */
  readonly feedNumber: number;
}

/** A rectangle in pixels; fractions are allowed after scaling. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PictureSize {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Width of a pixel over its height. */
  readonly sampleAspectRatio?: number;
}

/** Where the code lies in a picture of this size: left, one cell in; bottom, two cells up. Even pixels. */
export function codeRect({ widthPx, heightPx }: PictureSize): Rect {
  const cellPx = codeCellPx({ widthPx, heightPx });
  return {
    x: cellPx,
    y: Math.floor((heightPx - (CODE_ROWS + 2) * cellPx) / 2) * 2,
    width: CODE_COLUMNS * cellPx,
    height: CODE_ROWS * cellPx,
  };
}

/** Even, so that a cell is whole chroma samples; 12 in 640x360. */
export function codeCellPx({ widthPx, heightPx }: PictureSize): number {
  const cellPx = Math.min(widthPx / (CODE_COLUMNS + 2), heightPx / 30);
  return Math.max(2, Math.floor(cellPx / 2) * 2);
}

/** Where a source's picture lies after it was fitted into an output with bars and without distortion. */
export function letterboxRect(source: PictureSize, output: PictureSize): Rect {
  const aspect = (source.widthPx * (source.sampleAspectRatio ?? 1)) / source.heightPx;
  const width = Math.min(output.widthPx, output.heightPx * aspect);
  const height = width / aspect;
  return { x: (output.widthPx - width) / 2, y: (output.heightPx - height) / 2, width, height };
}

/** Where the code of a source lies in an output that shows it whole, with bars. */
export function codeRectInOutput(source: PictureSize, output: PictureSize): Rect {
  const code = codeRect(source);
  const shown = letterboxRect(source, output);
  const scaleX = shown.width / source.widthPx;
  const scaleY = shown.height / source.heightPx;
  return {
    x: shown.x + code.x * scaleX,
    y: shown.y + code.y * scaleY,
    width: code.width * scaleX,
    height: code.height * scaleY,
  };
}

/** The cells of a reading, row by row: 1 is white. */
export function encodeCells({ atMs, feedNumber }: ClockReading): Uint8Array {
  const sinceEpochMs = BigInt(Math.round(atMs) - EPOCH_MS);
  if (sinceEpochMs < 0n || sinceEpochMs >= 1n << 40n)
    throw new RangeError(`atMs ${atMs} lies before 2026 or over 34 years after it`);
  if (!Number.isInteger(feedNumber) || feedNumber < 0 || feedNumber > 255)
    throw new RangeError(`feedNumber ${feedNumber} is not 0 to 255`);
  const gray = sinceEpochMs ^ (sinceEpochMs >> 1n);
  const message = (BigInt(feedNumber) << 40n) | gray;
  const payload = (message << BigInt(CRC_BITS)) | BigInt(crc16(message));

  const cells = new Uint8Array(CODE_COLUMNS * CODE_ROWS);
  for (let row = 0; row < CODE_ROWS; row++) {
    for (let column = 0; column < CODE_COLUMNS; column++) {
      const at = row * CODE_COLUMNS + column;
      cells[at] = isRing(row, column)
        ? ringBit(row, column)
        : Number((payload >> BigInt(PAYLOAD_BITS - 1 - payloadIndex(row, column))) & 1n);
    }
  }
  return cells;
}

/**
 * Reads the code from pixels.
 *
 * @param picture `channels` 1: luma; 4: RGBA as canvas gives it. Rows lie `strideBytes` apart.
 * @param rect where the code lies in it, as `codeRect` or `codeRectInOutput` say.
 * @returns undefined when there is no readable code: sync pattern broken, contrast too low, checksum wrong.
 */
export function decodeClock(
  picture: {
    readonly data: Uint8Array | Uint8ClampedArray;
    readonly widthPx: number;
    readonly heightPx: number;
    readonly channels: 1 | 4;
    readonly strideBytes?: number;
  },
  rect: Rect,
): ClockReading | undefined {
  const levels = cellLevels(picture, rect);
  if (!levels) return undefined;
  const { black, white } = ringLevels(levels);
  if (white - black < MIN_CONTRAST) return undefined;
  const threshold = (black + white) / 2;

  let payload = 0n;
  for (let row = 0; row < CODE_ROWS; row++) {
    for (let column = 0; column < CODE_COLUMNS; column++) {
      const bit = (levels[row * CODE_COLUMNS + column] ?? 0) > threshold ? 1 : 0;
      if (!isRing(row, column)) payload = (payload << 1n) | BigInt(bit);
      else if (bit !== ringBit(row, column)) return undefined;
    }
  }
  const message = payload >> BigInt(CRC_BITS);
  if (crc16(message) !== Number(payload & 0xffffn)) return undefined;
  const feedNumber = Number(message >> 40n);
  return { atMs: Number(fromGray(message & ((1n << 40n) - 1n))) + EPOCH_MS, feedNumber };
}

/** Mean level of the inner half of each cell; undefined when a cell lies outside the picture. */
function cellLevels(picture: Parameters<typeof decodeClock>[0], rect: Rect): Float64Array | undefined {
  const { data, widthPx, heightPx, channels } = picture;
  const strideBytes = picture.strideBytes ?? widthPx * channels;
  if (rect.x < -0.5 || rect.y < -0.5) return undefined;
  if (rect.x + rect.width > widthPx + 0.5 || rect.y + rect.height > heightPx + 0.5) return undefined;
  const cellWidth = rect.width / CODE_COLUMNS;
  const cellHeight = rect.height / CODE_ROWS;
  const levels = new Float64Array(CODE_COLUMNS * CODE_ROWS);
  for (let row = 0; row < CODE_ROWS; row++) {
    for (let column = 0; column < CODE_COLUMNS; column++) {
      let sum = 0;
      for (const dy of SAMPLE_POINTS) {
        for (const dx of SAMPLE_POINTS) {
          const x = Math.min(widthPx - 1, Math.max(0, Math.floor(rect.x + (column + dx) * cellWidth)));
          const y = Math.min(heightPx - 1, Math.max(0, Math.floor(rect.y + (row + dy) * cellHeight)));
          const at = y * strideBytes + x * channels;
          sum +=
            channels === 1
              ? (data[at] ?? 0)
              : 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
        }
      }
      levels[row * CODE_COLUMNS + column] = sum / (SAMPLE_POINTS.length * SAMPLE_POINTS.length);
    }
  }
  return levels;
}

/** Fractions of a cell: edges smear into their neighbours, so only the inner half is looked at. */
const SAMPLE_POINTS = [0.3, 0.4, 0.5, 0.6, 0.7] as const;

function ringLevels(levels: Float64Array): { black: number; white: number } {
  const sums = [0, 0];
  const counts = [0, 0];
  for (let row = 0; row < CODE_ROWS; row++) {
    for (let column = 0; column < CODE_COLUMNS; column++) {
      if (!isRing(row, column)) continue;
      const bit = ringBit(row, column);
      sums[bit] = (sums[bit] ?? 0) + (levels[row * CODE_COLUMNS + column] ?? 0);
      counts[bit] = (counts[bit] ?? 0) + 1;
    }
  }
  return { black: (sums[0] ?? 0) / (counts[0] ?? 1), white: (sums[1] ?? 0) / (counts[1] ?? 1) };
}

function isRing(row: number, column: number): boolean {
  return row === 0 || column === 0 || row === CODE_ROWS - 1 || column === CODE_COLUMNS - 1;
}

/** The top row starts white and alternates; so do the others, which makes neighbours of a corner differ. */
function ringBit(row: number, column: number): 0 | 1 {
  return (row + column) % 2 === 0 ? 1 : 0;
}

function payloadIndex(row: number, column: number): number {
  return (row - 1) * (CODE_COLUMNS - 2) + (column - 1);
}

function fromGray(gray: bigint): bigint {
  let value = gray;
  for (let shift = 1n; shift < 64n; shift <<= 1n) value ^= value >> shift;
  return value;
}

/** CRC-16/CCITT-FALSE of the 48 bits of a message, most significant byte first. */
function crc16(message: bigint): number {
  let crc = 0xffff;
  for (let shift = 40n; shift >= 0n; shift -= 8n) {
    crc ^= Number((message >> shift) & 0xffn) << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

/**
 * The picture of a test feed: a coloured background of its own, its name, a moving disc, a clock for people
 * and a clock for machines (clock-code.ts), and a white square that flashes with the beep of each second.
 *
 * The background is painted once. A frame restores what the disc covered before and repaints the disc and the
 * clocks only, so that a 1080p feed costs about as much to draw as a small one.
 */
import {
  CODE_COLUMNS,
  CODE_ROWS,
  codeCellPx,
  codeRect,
  encodeCells,
  type PictureSize,
  type Rect,
} from './clock-code.ts';
import { forEachTextPixel, GLYPH_HEIGHT, textWidth } from './font.ts';
import { Random } from './random.ts';
import { type Theme, themeOf } from './themes.ts';

/** 8-bit 4:2:0 planes; rows may be longer than the picture is wide. */
export interface Planes {
  readonly data: readonly [Uint8Array, Uint8Array, Uint8Array];
  readonly strideBytes: readonly [number, number, number];
}

export interface SceneOptions {
  /** Even. */
  readonly widthPx: number;
  /** Even. */
  readonly heightPx: number;
  /** Shown large; letters, digits and a little punctuation. */
  readonly name: string;
  /** 0 to 255: chooses the theme and is part of the machine-readable clock. */
  readonly feedNumber: number;
  /** `noise`: all of the picture changes in each frame. */
  readonly texture?: 'plain' | 'noise';
}

/** Studio range (ITU-R BT.709): black is 16, white is 235, no colour is 128. */
const BLACK = 16;
const WHITE = 235;
const NO_COLOUR = 128;
/** How long the square and the beep last at the start of each second. */
export const FLASH_MS = 100;

export class Scene {
  private readonly options: SceneOptions;
  private readonly theme: Theme;
  private readonly background: readonly [Uint8Array, Uint8Array, Uint8Array];
  private readonly discPx: number;
  private readonly textScale: number;
  private readonly noise: Noise | undefined;
  private dirty: Area | undefined;
  private shownCells: Uint8Array | undefined;
  private painted = false;

  constructor(options: SceneOptions) {
    this.options = options;
    this.theme = themeOf(options.feedNumber);
    this.discPx = Math.max(4, Math.round((unitPx(options) * 56) / 2) * 2);
    this.textScale = textScaleOf(options);
    this.background = this.paintBackground();
    this.noise = options.texture === 'noise' ? new Noise(options) : undefined;
  }

  /**
   * Draws the frame of one instant. The planes must be the same memory at each call.
   *
   * @param atMs wall clock of its capture, Unix milliseconds.
   */
  draw(planes: Planes, atMs: number): void {
    if (!this.painted) {
      this.restore(planes, { x: 0, y: 0, width: this.options.widthPx, height: this.options.heightPx });
      this.painted = true;
    }
    if (this.dirty) this.restore(planes, this.dirty);
    this.noise?.draw(planes);
    this.dirty = this.drawDisc(planes, atMs);
    this.drawFlash(planes, atMs);
    this.drawReadableClock(planes, atMs);
    this.drawCode(planes, atMs);
  }

  private paintBackground(): [Uint8Array, Uint8Array, Uint8Array] {
    const { widthPx, heightPx, name } = this.options;
    const { luma, contrast, blueDifference, redDifference, slant } = this.theme;
    const y = new Uint8Array(widthPx * heightPx);
    const bandPx = Math.max(8, Math.round(widthPx / 10));
    for (let row = 0; row < heightPx; row++) {
      const shade = luma + (contrast * row) / heightPx;
      for (let column = 0; column < widthPx; column++) {
        const band = Math.floor((column + slant * row) / bandPx) % 2 === 0 ? 0 : contrast / 3;
        y[row * widthPx + column] = shade + band;
      }
    }
    const u = new Uint8Array((widthPx / 2) * (heightPx / 2)).fill(blueDifference);
    const v = new Uint8Array((widthPx / 2) * (heightPx / 2)).fill(redDifference);
    const planes: Planes = { data: [y, u, v], strideBytes: [widthPx, widthPx / 2, widthPx / 2] };
    const scale = Math.max(
      1,
      Math.floor(Math.min(this.textScale * 1.7, (widthPx * 0.8) / Math.max(1, textWidth(name)))),
    );
    const marginPx = Math.round(widthPx / 32);
    drawText(planes, name, { x: marginPx, y: marginPx, scale, level: WHITE });
    return [y, u, v];
  }

  private restore(planes: Planes, area: Area): void {
    for (const plane of [0, 1, 2] as const) {
      const shift = plane === 0 ? 0 : 1;
      const widthPx = this.options.widthPx >> shift;
      const source = this.background[plane];
      const target = planes.data[plane];
      const strideBytes = planes.strideBytes[plane];
      const left = area.x >> shift;
      const right = left + (area.width >> shift);
      for (let row = area.y >> shift; row < (area.y + area.height) >> shift; row++) {
        target.set(source.subarray(row * widthPx + left, row * widthPx + right), row * strideBytes + left);
      }
    }
  }

  private drawDisc(planes: Planes, atMs: number): Area {
    const { widthPx, heightPx } = this.options;
    const { periodXMs, periodYMs, discLuma, discBlueDifference, discRedDifference } = this.theme;
    const size = this.discPx;
    const code = codeRect(this.options);
    const roomX = widthPx - size;
    const top = Math.round(heightPx * 0.2);
    const roomY = Math.max(0, code.y - top - size);
    const x = even((roomX * (1 + Math.sin((2 * Math.PI * atMs) / periodXMs))) / 2);
    const y = even(top + (roomY * (1 + Math.cos((2 * Math.PI * atMs) / periodYMs))) / 2);
    const radius = size / 2;
    for (let row = 0; row < size; row++) {
      const reach = Math.sqrt(Math.max(0, radius * radius - (row + 0.5 - radius) ** 2));
      const from = Math.round(radius - reach);
      const to = Math.round(radius + reach);
      fillRow(planes, 0, { row: y + row, from: x + from, to: x + to, level: discLuma });
      if (row % 2 === 1) continue;
      const half = { row: (y + row) >> 1, from: (x + from) >> 1, to: (x + to) >> 1 };
      fillRow(planes, 1, { ...half, level: discBlueDifference });
      fillRow(planes, 2, { ...half, level: discRedDifference });
    }
    return { x, y, width: size, height: size };
  }

  private drawFlash(planes: Planes, atMs: number): void {
    fillRect(planes, flashRect(this.options), atMs % 1000 < FLASH_MS ? WHITE : BLACK);
  }

  private drawReadableClock(planes: Planes, atMs: number): void {
    const { widthPx } = this.options;
    const text = new Date(atMs).toISOString().slice(11, 23);
    const scale = this.textScale;
    const width = even((textWidth(text) + 4) * scale + 1);
    const height = even((GLYPH_HEIGHT + 4) * scale + 1);
    const code = codeRect(this.options);
    const portrait = code.x + code.width + width > widthPx;
    const x = even(widthPx - width - codeCellPx(this.options));
    const y = even(portrait ? code.y - height - scale : code.y + code.height - height);
    fillRect(planes, { x, y, width, height }, BLACK);
    drawText(planes, text, { x: x + 2 * scale, y: y + 2 * scale, scale, level: WHITE });
  }

  private drawCode(planes: Planes, atMs: number): void {
    const cells = encodeCells({ atMs, feedNumber: this.options.feedNumber });
    const shown = this.noise ? undefined : this.shownCells;
    this.shownCells = cells;
    const rect = codeRect(this.options);
    const cellPx = codeCellPx(this.options);
    for (let row = 0; row < CODE_ROWS; row++) {
      for (let column = 0; column < CODE_COLUMNS; column++) {
        const at = row * CODE_COLUMNS + column;
        if (shown && shown[at] === cells[at]) continue;
        const level = cells[at] ? WHITE : BLACK;
        const cell = { x: rect.x + column * cellPx, y: rect.y + row * cellPx, width: cellPx, height: cellPx };
        fillRect(planes, cell, level);
      }
    }
  }
}

/** Grain that jumps to another place in each frame: no encoder can predict it. */
class Noise {
  private readonly widthPx: number;
  private readonly heightPx: number;
  private readonly field: Uint8Array;
  private readonly random = new Random(7);

  constructor({ widthPx, heightPx }: SceneOptions) {
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    this.field = new Uint8Array(widthPx * heightPx * 2);
    for (let at = 0; at < this.field.length; at++)
      this.field[at] = NOISE_DARK + this.random.next() * NOISE_RANGE;
  }

  draw(planes: Planes): void {
    const { widthPx, heightPx } = this;
    let from = Math.floor(this.random.next() * widthPx * heightPx);
    for (let row = 0; row < heightPx; row++) {
      planes.data[0].set(this.field.subarray(from, from + widthPx), row * planes.strideBytes[0]);
      from += widthPx;
    }
  }
}

const NOISE_DARK = 80;
const NOISE_RANGE = 60;

/** Where the square is that flashes with the beep: upper right. */
export function flashRect(size: PictureSize): Rect {
  const sidePx = even(textScaleOf(size) * 10);
  const marginPx = even(size.widthPx / 32);
  return { x: size.widthPx - marginPx - sidePx, y: marginPx, width: sidePx, height: sidePx };
}

function unitPx({ widthPx, heightPx }: PictureSize): number {
  return Math.min(widthPx / 640, heightPx / 360);
}

function textScaleOf(size: PictureSize): number {
  const fitting = (size.widthPx * 0.42) / textWidth('00:00:00.000');
  return Math.max(1, Math.floor(Math.min(unitPx(size) * 3, fitting)));
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function even(value: number): number {
  return Math.floor(value / 2) * 2;
}

function fillRow(
  planes: Planes,
  plane: 0 | 1 | 2,
  { row, from, to, level }: { row: number; from: number; to: number; level: number },
): void {
  const start = row * planes.strideBytes[plane];
  planes.data[plane].fill(level, start + from, start + to);
}

/** A rectangle of even position and size without colour. */
function fillRect(planes: Planes, area: Area, level: number): void {
  for (let row = area.y; row < area.y + area.height; row++)
    fillRow(planes, 0, { row, from: area.x, to: area.x + area.width, level });
  for (let row = area.y >> 1; row < (area.y + area.height) >> 1; row++) {
    const half = { row, from: area.x >> 1, to: (area.x + area.width) >> 1, level: NO_COLOUR };
    fillRow(planes, 1, half);
    fillRow(planes, 2, half);
  }
}

/** Luma only: text takes the colour of what it stands on. */
function drawText(
  planes: Planes,
  text: string,
  { x, y, scale, level }: { x: number; y: number; scale: number; level: number },
): void {
  forEachTextPixel(text, (column, row) => {
    for (let dy = 0; dy < scale; dy++) {
      const from = x + column * scale;
      fillRow(planes, 0, { row: y + row * scale + dy, from, to: from + scale, level });
    }
  });
}

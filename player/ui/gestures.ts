/** Reads fingers on one picture: a second tap soon after the first, or a stroke sideways. Pure. */

export type Gesture = 'double-tap' | 'swipe-left' | 'swipe-right';

export interface Touch {
  readonly atMs: number;
  readonly xPx: number;
  readonly yPx: number;
}

const DOUBLE_TAP_MAX_MS = 320;
const TAP_RADIUS_PX = 30;
const SWIPE_MIN_PX = 48;
const SWIPE_MAX_MS = 600;

export class GestureReader {
  #down: Touch | undefined;
  #lastTap: Touch | undefined;

  down(touch: Touch): void {
    this.#down = touch;
  }

  /** The browser took the touch for itself, to scroll or to zoom. */
  cancel(): void {
    this.#down = undefined;
  }

  up(touch: Touch): Gesture | undefined {
    const down = this.#down;
    this.#down = undefined;
    if (!down) return undefined;
    const [rightPx, downPx] = [touch.xPx - down.xPx, touch.yPx - down.yPx];
    const sideways = Math.abs(rightPx) > SWIPE_MIN_PX && Math.abs(rightPx) > 2 * Math.abs(downPx);
    if (sideways && touch.atMs - down.atMs < SWIPE_MAX_MS) return rightPx < 0 ? 'swipe-left' : 'swipe-right';
    if (Math.hypot(rightPx, downPx) > TAP_RADIUS_PX) return undefined;
    const earlier = this.#lastTap;
    const soon = earlier && touch.atMs - earlier.atMs < DOUBLE_TAP_MAX_MS;
    if (soon && Math.hypot(touch.xPx - earlier.xPx, touch.yPx - earlier.yPx) < TAP_RADIUS_PX) {
      this.#lastTap = undefined;
      return 'double-tap';
    }
    this.#lastTap = touch;
    return undefined;
  }
}

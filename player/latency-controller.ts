/**
 * How far behind the wall clock the panes play, and how they are held there. Each pane says what it needs
 * (how late its media arrives, plus a margin); all panes then play the same instant, as late as the one that
 * needs most. Pure arithmetic: no DOM, no timers.
 */
import { FRAME_MS } from '../domain/profile.ts';

export interface LatencyLimits {
  /** Media kept in hand beyond the latest arrival that is usual for the pane. */
  readonly marginMs: number;
  /** Added to the margin by each stall, up to `marginMaxMs`. */
  readonly marginStepMs: number;
  readonly marginMaxMs: number;
  /** A raised margin shrinks again by this much for each second without a stall, and this share of itself. */
  readonly marginDecayMsPerS: number;
  readonly marginDecaySharePerS: number;
  readonly latencyMinMs: number;
  readonly latencyMaxMs: number;
  /** A pane that needs this much more than the least of the others plays for itself. */
  readonly straggleMs: number;
}

export const LATENCY_LIMITS: LatencyLimits = {
  marginMs: 120,
  marginStepMs: 80,
  marginMaxMs: 800,
  marginDecayMsPerS: 4,
  marginDecaySharePerS: 0.03,
  latencyMinMs: 100,
  latencyMaxMs: 4_000,
  straggleMs: 1_000,
};

/** The controller's beat. Parts come every 100 ms: a faster one sees nothing new. */
export const CONTROL_INTERVAL_MS = 100;
/** Arrivals looked at: those of the last 10 s, as many as parts come in that time and some to spare. */
const ARRIVAL_AGE_MAX_MS = 10_000;
const ARRIVALS_MAX = 150;
/** The share of arrivals that the need covers. The rest is what the margin is for. */
const ARRIVAL_QUANTILE = 0.95;
/** Media later than this is no jitter: the feed or the network was gone. What stays so late is the rule. */
const WAIT_MAX_MS = 2_000;
const LATE_RULE_MS = 4_000;
/** A new connection first catches up with what was there already; that says nothing of how it will go on. */
const CATCHING_UP_MS = 700;

/** What one pane needs, learnt from when its media arrives. */
export class LatencyNeed {
  readonly #limits: LatencyLimits;
  #waits: { readonly atMs: number; readonly waitMs: number }[] = [];
  /** Of the waits, at the quantile. */
  #usualWaitMs: number | undefined;
  #extraMarginMs = 0;
  /** Since when every arrival was too late to be jitter. */
  #lateSinceMs: number | undefined;
  #firstAtMs: number | undefined;
  #lastAtMs: number | undefined;
  #bufferedEndMs: number | undefined;

  constructor(limits: LatencyLimits = LATENCY_LIMITS) {
    this.#limits = limits;
  }

  /**
   * Media has arrived. What counts is how old the media before it had become by then: a pane that plays
   * later than that never ran dry.
   *
   * @param bufferedEndMs the instant up to which media is in hand now, Unix ms by the server's clock.
   */
  arrived(nowMs: number, bufferedEndMs: number): void {
    const elapsedMs = this.#lastAtMs === undefined ? 0 : Math.max(0, nowMs - this.#lastAtMs);
    const { marginDecayMsPerS, marginDecaySharePerS } = this.#limits;
    const decayMsPerS = marginDecayMsPerS + marginDecaySharePerS * this.#extraMarginMs;
    this.#extraMarginMs = Math.max(0, this.#extraMarginMs - (elapsedMs / 1000) * decayMsPerS);
    this.#lastAtMs = nowMs;
    this.#firstAtMs ??= nowMs;
    const earlierEndMs = this.#bufferedEndMs;
    this.#bufferedEndMs = bufferedEndMs;
    if (earlierEndMs === undefined || bufferedEndMs <= earlierEndMs) return;
    const waitMs = nowMs - earlierEndMs;
    if (nowMs - this.#firstAtMs < CATCHING_UP_MS) return;
    this.#lateSinceMs = waitMs > WAIT_MAX_MS ? (this.#lateSinceMs ?? nowMs) : undefined;
    if (this.#lateSinceMs !== undefined && nowMs - this.#lateSinceMs < LATE_RULE_MS) return;
    this.#waits.push({ atMs: nowMs, waitMs });
    const oldestMs = nowMs - ARRIVAL_AGE_MAX_MS;
    while (this.#waits.length > ARRIVALS_MAX || (this.#waits[0]?.atMs ?? nowMs) < oldestMs)
      this.#waits.shift();
    const sorted = this.#waits.map((wait) => wait.waitMs).sort((a, b) => a - b);
    this.#usualWaitMs = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * ARRIVAL_QUANTILE))];
  }

  /** The picture stood still for want of media. */
  stalled(): void {
    const { marginMs, marginMaxMs, marginStepMs } = this.#limits;
    this.#extraMarginMs = Math.min(marginMaxMs - marginMs, this.#extraMarginMs + marginStepMs);
  }

  /** Forgets the arrivals: the connection or the engine is a new one. */
  reset(): void {
    this.#waits = [];
    this.#usualWaitMs = undefined;
    this.#lateSinceMs = undefined;
    this.#firstAtMs = undefined;
    this.#bufferedEndMs = undefined;
  }

  /** The latency at which this pane plays without a stall; undefined before anything arrived. */
  get latencyMs(): number | undefined {
    if (this.#usualWaitMs === undefined) return undefined;
    return this.#usualWaitMs + this.#limits.marginMs + this.#extraMarginMs;
  }
}

/**
 * The shared target stays while less than this could be gained, and once it falls it falls all the way. A target that
 * moves makes every pane play a little faster or slower, and a browser that shows frames at another rate than they have
 * drops and doubles some: panes are then a frame apart until it has settled. One pane alone is in step with itself.
 */
const TARGET_HELD_MS = 40;
const TARGET_HELD_ALONE_MS = 15;
/** For the same reason, so much of a need is left to the margin, which is many times as large. */
const NEED_BORNE_MS = 15;
/** And in whole frames: what was learnt of when each pane's frames reach the screen (presentation.ts) then stays true. */
const TARGET_STEP_MS = FRAME_MS;
/**
 * The shared target falls slowly, so that one good second does not undo what was learnt, and faster the more
 * there is to gain: a page that loads needs a second in the beginning and half of it a little later.
 */
const TARGET_FALL_MS_PER_S = 10;
const TARGET_FALL_SHARE_PER_S = 0.12;

/**
 * The latency that all panes share.
 *
 * @param needsMs what each playing pane needs.
 * @param current the target so far, how long ago it was set, and whether it was falling then.
 * @returns undefined while no pane needs anything.
 */
export function sharedLatencyMs(
  needsMs: readonly number[],
  current: { readonly latencyMs: number; readonly ageMs: number; readonly isFalling?: boolean } | undefined,
  limits: LatencyLimits = LATENCY_LIMITS,
): number | undefined {
  if (needsMs.length === 0) return current?.latencyMs;
  const leastMs = Math.min(...needsMs);
  const mostMs = Math.max(...needsMs.filter((needMs) => needMs <= leastMs + limits.straggleMs));
  const wantedMs = Math.min(limits.latencyMaxMs, Math.max(limits.latencyMinMs, mostMs));
  const hasCompany = needsMs.length > 1;
  const stepMs = hasCompany ? TARGET_STEP_MS : 0;
  if (!current) return roundUp(wantedMs, stepMs);
  const gainMs = current.latencyMs - wantedMs;
  const heldMs = hasCompany ? TARGET_HELD_MS : TARGET_HELD_ALONE_MS;
  const borneMs = hasCompany ? NEED_BORNE_MS : 0;
  if (gainMs >= -borneMs && gainMs < heldMs && current.isFalling !== true) return current.latencyMs;
  const fallMs = (current.ageMs / 1000) * (TARGET_FALL_MS_PER_S + TARGET_FALL_SHARE_PER_S * gainMs);
  return Math.max(roundUp(wantedMs, stepMs), current.latencyMs - fallMs);
}

/** To a whole number of steps; a step of 0 rounds nothing. */
function roundUp(value: number, step: number): number {
  // A millionth less, so that what is a whole number of steps stays that.
  return step === 0 ? value : Math.ceil(value / step - 1e-6) * step;
}

export type Correction =
  | { readonly kind: 'rate'; readonly playbackRate: number }
  /** Too far off for a rate: go to the target at once. */
  | { readonly kind: 'seek' };

export const RATE_MIN = 0.95;
export const RATE_MAX = 1.1;
/** How near to its target a pane is kept. */
export interface Tolerance {
  /** Within this the pane is in step, and the rate is left at exactly 1. */
  readonly inStepMs: number;
  /** A pane that is being corrected is brought so near, so that it does not need it again at once. */
  readonly correctedMs: number;
  /** The rate's departure from 1 for each second of departure from the target. */
  readonly gainPerS: number;
}

/** Panes a few ms apart show different frames for that share of the time: two neighbours are 33 ms apart. */
export const PICTURE_TOLERANCE: Tolerance = { inStepMs: 2, correctedMs: 0.5, gainPerS: 1 };
/** A rate that is not 1 costs sound some of its quality, and nobody hears 8 ms. */
export const SOUND_TOLERANCE: Tolerance = { inStepMs: 8, correctedMs: 2, gainPerS: 0.5 };

/** Coarse steps, because each change of the rate makes the browser rework its audio path. */
const RATE_STEP = 0.005;
export const SEEK_BEYOND_MS = 1_000;

/**
 * @param errorMs latency less its target: positive means too late.
 * @param isCorrecting whether the rate is off 1 already.
 */
export function correct(
  errorMs: number,
  isCorrecting = false,
  { inStepMs, correctedMs, gainPerS } = PICTURE_TOLERANCE,
): Correction {
  if (Math.abs(errorMs) > SEEK_BEYOND_MS) return { kind: 'seek' };
  if (Math.abs(errorMs) <= (isCorrecting ? correctedMs : inStepMs)) return { kind: 'rate', playbackRate: 1 };
  const stepCount = Math.max(1, Math.round((gainPerS * Math.abs(errorMs)) / 1000 / RATE_STEP));
  const stepped = 1 + Math.sign(errorMs) * stepCount * RATE_STEP;
  return { kind: 'rate', playbackRate: Number(Math.min(RATE_MAX, Math.max(RATE_MIN, stepped)).toFixed(3)) };
}

/** How far apart the panes are: the greatest difference between the instants that they show. */
export function skewMs(shownInstantsMs: readonly number[]): number {
  return shownInstantsMs.length < 2 ? 0 : Math.max(...shownInstantsMs) - Math.min(...shownInstantsMs);
}

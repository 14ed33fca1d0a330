/** Runs the re-clocking against a made-up feed, event by event, the way the transcoder drives it. */
import { SlotFiller, slotDueMs } from '../../../gpu-runner/transcode/slot-filler.ts';
import { SourceClock } from '../../../gpu-runner/transcode/source-clock.ts';

export interface Arrival {
  readonly sourceMs: number;
  readonly readyMs: number;
}

export interface FilledSlot {
  readonly slot: number;
  /** When it was known what the slot shows. */
  readonly atMs: number;
  /** Index of the arrival that it shows; -1 before the first. */
  readonly shows: number;
  /** Where the picture belongs, for pictures of the feed; undefined for repeats. */
  readonly wallMs?: number;
}

export interface Run {
  readonly slots: readonly FilledSlot[];
  readonly dropCount: number;
  readonly repeatCount: number;
  readonly jumpCount: number;
  readonly frameMs: number;
  /** Mapping of each arrival at the time when it came, for the offset of picture to sound. */
  readonly wallMs: readonly number[];
}

const SIGNAL_LOSS_MS = 500;

/** Arrivals in the order in which they become ready. Output begins half a second after the first. */
export function runFeed(frameRate: number, arrivals: readonly Arrival[], untilMs?: number): Run {
  const frameMs = 1000 / frameRate;
  const firstReadyMs = arrivals[0]?.readyMs ?? 0;
  const filler = new SlotFiller({ frameRate, firstSlot: Math.ceil((firstReadyMs + 500) / frameMs) });
  const clock = new SourceClock({ frameMs });
  const slots: FilledSlot[] = [];
  const wallMs: number[] = [];
  const counts = { drop: 0, repeat: 0, jump: 0 };
  let shown = -1;
  let lastMs = Number.NEGATIVE_INFINITY;
  const repeat = (slot: number, atMs: number) => {
    counts.repeat++;
    slots.push({ slot, atMs, shows: shown });
  };
  const fillDue = (nowMs: number) => {
    for (;;) {
      const lost = (atMs: number) => atMs - lastMs > SIGNAL_LOSS_MS;
      // The timer wakes at the due time of the state at that time.
      const waitingDueMs = slotDueMs(filler, clock, false);
      const dueMs = lost(waitingDueMs)
        ? Math.max(slotDueMs(filler, clock, true), lastMs + SIGNAL_LOSS_MS)
        : waitingDueMs;
      if (dueMs > nowMs) return;
      repeat(filler.repeat(), Math.max(dueMs, lastMs));
    }
  };
  arrivals.forEach((arrival, index) => {
    fillDue(arrival.readyMs);
    if (clock.observe(arrival.sourceMs, arrival.readyMs) === 'jump') counts.jump++;
    lastMs = arrival.readyMs;
    const mappedMs = clock.wallMs(arrival.sourceMs);
    wallMs.push(mappedMs);
    const placement = filler.place(mappedMs);
    if (placement.kind === 'surplus') {
      counts.drop++;
      return;
    }
    if (placement.kind !== 'fill') {
      if (placement.kind === 'late') counts.drop++;
      shown = index;
      return;
    }
    for (let back = placement.repeatCount; back > 0; back--) repeat(placement.slot - back, arrival.readyMs);
    shown = index;
    slots.push({ slot: placement.slot, atMs: arrival.readyMs, shows: index, wallMs: mappedMs });
  });
  if (untilMs !== undefined) fillDue(untilMs);
  return {
    slots,
    wallMs,
    frameMs,
    dropCount: counts.drop,
    repeatCount: counts.repeat,
    jumpCount: counts.jump,
  };
}

export interface FeedRecipe {
  readonly sourceRate: number;
  readonly durationMs: number;
  /** The source's clock runs this much faster than the wall clock. */
  readonly driftPpm?: number;
  /** Network delay of picture `index`, beyond the fastest. */
  readonly jitterMs?: (index: number) => number;
  /** When the first picture arrives. */
  readonly startMs?: number;
  readonly firstSourceMs?: number;
}

export function makeFeed(recipe: FeedRecipe): Arrival[] {
  const { sourceRate, durationMs, driftPpm = 0, startMs = 1_000_000.25, firstSourceMs = 7_000 } = recipe;
  const periodMs = 1000 / sourceRate;
  const count = Math.floor(durationMs / periodMs);
  const arrivals: Arrival[] = [];
  let lastReadyMs = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    const sourceMs = firstSourceMs + index * periodMs;
    const wallMs = startMs + (index * periodMs) / (1 + driftPpm * 1e-6);
    // Packets of one connection do not overtake each other.
    const readyMs = Math.max(lastReadyMs, wallMs + (recipe.jitterMs?.(index) ?? 0));
    lastReadyMs = readyMs;
    arrivals.push({ sourceMs, readyMs });
  }
  return arrivals;
}

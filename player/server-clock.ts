/**
 * The server's clock, seen from here. The timeline of every stream is the wall clock of the servers, so the
 * latency of a pane is `serverNow - instant shown`, and a viewer's own clock may be minutes off.
 */

/** One question to the server for its time. All in Unix ms; sent and received by the local clock. */
export interface ClockSample {
  readonly sentAtMs: number;
  readonly serverMs: number;
  readonly receivedAtMs: number;
}

/** Old samples are dropped, since clocks drift: 20 ppm is 12 ms in ten minutes. */
const SAMPLE_AGE_MAX_MS = 10 * 60_000;
const SAMPLES_MAX = 32;

export class ServerClock {
  readonly #localNowMs: () => number;
  #samples: ClockSample[] = [];

  /** @param localNowMs Unix ms that never steps back: performance.timeOrigin + performance.now(). */
  constructor(localNowMs: () => number) {
    this.#localNowMs = localNowMs;
  }

  /**
   * Takes one round trip. When it contradicts the samples so far, one of the clocks has jumped (a laptop that
   * slept): the earlier ones are forgotten.
   */
  add(sample: ClockSample): void {
    const offsetMs = this.offsetMs;
    const contradicts =
      offsetMs < sample.serverMs - sample.receivedAtMs || offsetMs > sample.serverMs - sample.sentAtMs;
    const kept =
      this.#samples.length > 0 && contradicts && !this.#explainedByRoundTrip(sample) ? [] : this.#samples;
    this.#samples = [
      ...kept.filter((earlier) => sample.receivedAtMs - earlier.receivedAtMs < SAMPLE_AGE_MAX_MS),
      sample,
    ].slice(-SAMPLES_MAX);
  }

  /** Server's clock less the local one, by the fastest round trip: its answer was under way for the shortest. */
  get offsetMs(): number {
    const best = this.#best();
    return best ? best.serverMs - (best.sentAtMs + best.receivedAtMs) / 2 : 0;
  }

  /** How wrong `offsetMs` can be: half the fastest round trip; undefined before the first sample. */
  get uncertaintyMs(): number | undefined {
    const best = this.#best();
    return best ? roundTripMs(best) / 2 : undefined;
  }

  nowMs(): number {
    return this.#localNowMs() + this.offsetMs;
  }

  #best(): ClockSample | undefined {
    let best: ClockSample | undefined;
    for (const sample of this.#samples) {
      if (!best || roundTripMs(sample) <= roundTripMs(best)) best = sample;
    }
    return best;
  }

  /** Two honest samples always overlap; a little slack for timers that are rounded. */
  #explainedByRoundTrip(sample: ClockSample): boolean {
    const best = this.#best();
    if (!best) return true;
    const slackMs = 2;
    return (
      sample.serverMs - sample.receivedAtMs <= best.serverMs - best.sentAtMs + slackMs &&
      sample.serverMs - sample.sentAtMs >= best.serverMs - best.receivedAtMs - slackMs
    );
  }
}

function roundTripMs(sample: ClockSample): number {
  return sample.receivedAtMs - sample.sentAtMs;
}

/**
 * Which engine a pane gets: the one that is asked for or measures best, if this browser can run it, and another
 * one where it turns out that it cannot play with the first.
 */
import { ClockMseEngine } from './clock-mse.ts';
import type { Engine, EngineCounters, EngineName, EngineOptions } from './engine.ts';
import { type SourceClasses, sourceClassOf } from './media-source.ts';
import { HLS_TYPE, NativeHlsEngine } from './native-hls.ts';

/** In the order in which they are tried (docs/decisions/player-by-the-clock.md). */
export const ENGINE_NAMES: readonly EngineName[] = ['clock-mse', 'hls.js', 'native-hls'];

/** What decides, looked up in the browser by `engineSupport`. */
export interface EngineSupport {
  /** MediaSource or ManagedMediaSource that plays our renditions. */
  readonly mediaSource: boolean;
  /** Answers can be read while they come. */
  readonly growingAnswers: boolean;
  readonly nativeHls: boolean;
}

export function engineSupport(
  browser: SourceClasses & { readonly ReadableStream?: unknown; readonly Response?: { prototype: object } },
  canPlayType: (type: string) => string,
): EngineSupport {
  return {
    mediaSource: sourceClassOf(browser) !== undefined,
    growingAnswers: browser.ReadableStream !== undefined && 'body' in (browser.Response?.prototype ?? {}),
    nativeHls: canPlayType(HLS_TYPE) !== '',
  };
}

/** The engines that this browser can run, the one that is asked for first. */
export function enginesFor(asked: EngineName | undefined, support: EngineSupport): readonly EngineName[] {
  const can: Readonly<Record<EngineName, boolean>> = {
    'clock-mse': support.mediaSource && support.growingAnswers,
    'hls.js': support.mediaSource,
    'native-hls': support.nativeHls,
  };
  const possible = ENGINE_NAMES.filter((name) => can[name]);
  return asked !== undefined && can[asked] ? [asked, ...possible.filter((name) => name !== asked)] : possible;
}

/** So many starts that the browser could not play, and the next engine has its turn. */
const STARTS_PER_ENGINE = 2;

/** @returns undefined when there is no engine at all. */
export function engineAfter(
  engines: readonly EngineName[],
  failedStartCount: number,
): EngineName | undefined {
  return engines[Math.floor(failedStartCount / STARTS_PER_ENGINE) % engines.length];
}

/** Makes the engines of a page. hls.js is most of the page's weight: it is loaded only where it is used. */
export function engineMaker(
  engines: readonly EngineName[],
): (options: EngineOptions, failedStartCount: number) => Engine {
  return (options, failedStartCount) => {
    const name = engineAfter(engines, failedStartCount);
    if (name === 'clock-mse') return new ClockMseEngine(options);
    if (name === 'native-hls') return new NativeHlsEngine(options);
    if (name === 'hls.js')
      return new LateEngine(name, options, async () => {
        const { HlsJsEngine } = await import('./hls-js.ts');
        return new HlsJsEngine(options);
      });
    return new NoEngine(options);
  };
}

/** An engine whose code is still to be loaded. */
export class LateEngine implements Engine {
  readonly name: EngineName;
  readonly #options: EngineOptions;
  readonly #load: () => Promise<Engine>;
  #engine: Engine | undefined;
  #isDestroyed = false;

  constructor(name: EngineName, options: EngineOptions, load: () => Promise<Engine>) {
    this.name = name;
    this.#options = options;
    this.#load = load;
  }

  start(): void {
    this.#load().then(
      (engine) => {
        if (this.#isDestroyed) return;
        this.#engine = engine;
        engine.start();
      },
      () => {
        if (!this.#isDestroyed)
          this.#options.onFailed({ kind: 'broken', reason: 'The server does not answer.' });
      },
    );
  }

  get zeroInstantMs(): number | undefined {
    return this.#engine?.zeroInstantMs;
  }

  get sinceCaptureMs(): number | undefined {
    return this.#engine?.sinceCaptureMs;
  }

  get counters(): EngineCounters {
    return this.#engine?.counters ?? { requestCount: 0, byteCount: 0 };
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#engine?.destroy();
  }
}

/** For a browser that can play in none of our ways: the pane says so. */
class NoEngine implements Engine {
  readonly name = 'none';
  readonly zeroInstantMs = undefined;
  readonly counters: EngineCounters = { requestCount: 0, byteCount: 0 };
  readonly #options: EngineOptions;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  start(): void {
    const reason = 'This browser plays no live video: it has neither Media Source Extensions nor HLS.';
    queueMicrotask(() => this.#options.onFailed({ kind: 'unsupported', reason }));
  }

  destroy(): void {
    // It holds nothing.
  }
}

/** What the page knows and does, apart from drawing it: the session of the operator, and what the API says. */
import { computed, signal } from '@preact/signals';
import type { ListedStream } from '../../domain/control/api.ts';
import type { CapacityView } from '../../domain/control/operations-api.ts';
import { messageOf } from '../../domain/errors.ts';
import { pause } from '../../domain/pause.ts';
import { ApiClient, CallError } from './api-client.ts';
import { type Health, HealthWatch, needsAttention } from './health.ts';
import { hashOf, type Route, routeOf } from './route.ts';
import { type MediaGrant, Thumbnails } from './thumbnails.ts';

/** In this tab alone, and gone with it. */
const TOKEN_KEY = 'mirror-console-token';
const STREAMS_EVERY_MS = 1_500;
const CAPACITY_EVERY_MS = 5_000;
/** Nobody looks: once in a while is enough to stay right. */
const HIDDEN_EVERY_MS = 15_000;
/** A grant is asked for anew this long before it ends. */
const GRANT_SPARE_MS = 60_000;
/** The server's clock is known to a second from its answers. */
const DATE_HALF_STEP_MS = 500;

export type Filter = 'all' | 'attention' | 'running' | 'idle';

export class ConsoleState {
  readonly api = signal<ApiClient | undefined>(undefined);
  readonly signInProblem = signal<string | undefined>(undefined);
  readonly streams = signal<readonly ListedStream[] | undefined>(undefined);
  readonly health = signal<ReadonlyMap<string, Health>>(new Map());
  readonly capacity = signal<CapacityView | undefined>(undefined);
  /** Why the last question was not answered; undefined once one is. */
  readonly problem = signal<string | undefined>(undefined);
  /** What was just done, for those who hear the page. */
  readonly note = signal('');
  readonly route = signal<Route>({ view: 'list' });
  readonly filter = signal<Filter>('all');
  readonly search = signal('');
  readonly nowMs = signal(Date.now());
  readonly thumbnails: Thumbnails;
  readonly #watch = new HealthWatch();
  readonly #grants = new Map<string, Promise<MediaGrant>>();
  #serverOffsetMs = 0;
  /** Ends the polling of one session. */
  #polling = new AbortController();

  readonly attentionCount = computed(
    () => [...this.health.value.values()].filter((health) => needsAttention(health)).length,
  );
  readonly shownStreams = computed(() => {
    const text = this.search.value.trim().toLowerCase();
    return (this.streams.value ?? []).filter(
      (stream) =>
        passes(this.filter.value, stream, this.health.value.get(stream.id)) &&
        (stream.name.toLowerCase().includes(text) || stream.id.includes(text)),
    );
  });

  constructor() {
    this.thumbnails = new Thumbnails({
      grantOf: (streamId) => this.grantOf(streamId),
      serverNowMs: () => this.serverNowMs(),
    });
  }

  /** Begins with what the tab remembers. */
  begin(): void {
    this.route.value = routeOf(location.hash);
    addEventListener('hashchange', () => {
      this.route.value = routeOf(location.hash);
    });
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.api.value) this.refresh();
    });
    const token = sessionStorage.getItem(TOKEN_KEY);
    if (token !== null) void this.signIn(token, true);
  }

  go(route: Route): void {
    location.hash = hashOf(route);
  }

  /** @param isKept true to survive a reload of this tab; else the token lives in memory alone. */
  async signIn(token: string, isKept: boolean): Promise<boolean> {
    const api = this.#client(token);
    try {
      this.streams.value = await api.listStreams();
    } catch (error) {
      this.signInProblem.value = signInWords(error);
      if (error instanceof CallError && error.status === 401) sessionStorage.removeItem(TOKEN_KEY);
      return false;
    }
    if (isKept) sessionStorage.setItem(TOKEN_KEY, token);
    else sessionStorage.removeItem(TOKEN_KEY);
    this.signInProblem.value = undefined;
    this.problem.value = undefined;
    this.api.value = api;
    this.#poll();
    return true;
  }

  signOut(words?: string): void {
    this.#polling.abort();
    sessionStorage.removeItem(TOKEN_KEY);
    this.#grants.clear();
    this.api.value = undefined;
    this.streams.value = undefined;
    this.capacity.value = undefined;
    this.health.value = new Map();
    this.signInProblem.value = words;
  }

  /** Asks at once, after something was done. */
  refresh(): void {
    if (this.api.value) this.#poll();
  }

  show(filter: Filter): void {
    this.filter.value = filter;
  }

  find(text: string): void {
    this.search.value = text;
  }

  report(problem: string): void {
    this.problem.value = problem;
  }

  say(words: string): void {
    this.note.value = words;
  }

  serverNowMs(): number {
    return Date.now() + this.#serverOffsetMs;
  }

  /** What opens a stream's media for this operator; asked for once in a while. */
  async grantOf(streamId: string): Promise<MediaGrant> {
    const api = this.api.value;
    if (!api) throw new CallError('You are signed out.', 401);
    const kept = await this.#grants.get(streamId)?.catch(() => undefined);
    if (kept && kept.expiresAtMs - this.serverNowMs() > GRANT_SPARE_MS) return kept;
    const asked = api.preview(streamId).then(({ media, recordings, expiresAt }) => ({
      media,
      recordings,
      expiresAtMs: Date.parse(expiresAt),
    }));
    this.#grants.set(streamId, asked);
    return asked;
  }

  #client(token: string): ApiClient {
    return new ApiClient({
      token,
      fetch: async (path, init) => {
        const response = await fetch(path, init);
        const dateMs = Date.parse(response.headers.get('date') ?? '');
        if (!Number.isNaN(dateMs)) this.#serverOffsetMs = dateMs + DATE_HALF_STEP_MS - Date.now();
        return response;
      },
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
    });
  }

  #poll(): void {
    this.#polling.abort();
    this.#polling = new AbortController();
    const { signal: ending } = this.#polling;
    void this.#keep(STREAMS_EVERY_MS, ending, (api) => this.#askStreams(api, ending));
    void this.#keep(CAPACITY_EVERY_MS, ending, async (api) => {
      const capacity = await api.showCapacity();
      if (!ending.aborted) this.capacity.value = capacity;
    });
  }

  async #askStreams(api: ApiClient, ending: AbortSignal): Promise<void> {
    const streams = await api.listStreams();
    if (ending.aborted) return;
    this.nowMs.value = this.serverNowMs();
    this.health.value = this.#watch.take(streams, this.nowMs.value);
    this.streams.value = streams;
    this.problem.value = undefined;
  }

  async #keep(everyMs: number, ending: AbortSignal, ask: (api: ApiClient) => Promise<void>): Promise<void> {
    while (!ending.aborted) {
      const api = this.api.value;
      if (!api) return;
      try {
        await ask(api);
      } catch (error) {
        if (ending.aborted) return;
        if (error instanceof CallError && error.status === 401) {
          this.signOut('The token is not valid any more. Sign in with the present one.');
          return;
        }
        this.problem.value = messageOf(error);
      }
      await pause(document.hidden ? HIDDEN_EVERY_MS : everyMs, ending);
    }
  }
}

function signInWords(error: unknown): string {
  if (error instanceof CallError && error.status === 401)
    return 'This token is not one of this environment. Check that it was copied whole.';
  if (error instanceof CallError && error.status === 403)
    return 'This token may not operate streams. Use one with the scope "operate".';
  return messageOf(error);
}

/** True where there are pictures: its own, or the words NO SIGNAL over its last one. */
export function hasPictures(state: string): boolean {
  return state === 'live' || state === 'interrupted';
}

const RUNNING = new Set(['starting', 'waiting', 'live', 'interrupted', 'stopping']);

export function isRunningState(state: string): boolean {
  return RUNNING.has(state);
}

function passes(filter: Filter, { state }: ListedStream, health: Health | undefined): boolean {
  if (filter === 'attention') return health !== undefined && needsAttention(health);
  if (filter === 'running') return isRunningState(state);
  return filter === 'all' || !isRunningState(state);
}

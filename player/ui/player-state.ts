/**
 * What the page shows and what a person can do with it. Signals hold what is shown; the views read them and
 * call the actions. The wall does as the choice says.
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { DELIVERY_MODES, type DeliveryMode } from '../../domain/delivery.ts';
import type { StreamSummary } from '../pane-words.ts';
import type { SessionChange, ViewerSession } from '../viewer-session.ts';
import type { Wall } from '../wall.ts';
import {
  addressOf,
  choiceFromAddress,
  idsOnPage,
  type LayoutName,
  moved,
  nextLayout,
  PANES_MAX,
  placeCount,
  stepped,
  swapped,
  type WallChoice,
  withFeed,
} from '../wall-choice.ts';

export type Dialog = 'none' | 'feeds' | 'help';

/** What the page shows of a session. */
export type SessionState = Pick<ViewerSession, 'streams' | 'selectable' | 'delivery' | 'problem'>;

export interface PlayerStateOptions {
  readonly wall: Pick<
    Wall,
    | 'show'
    | 'knowStreams'
    | 'toggleSound'
    | 'audibleId'
    | 'streamIds'
    | 'delivery'
    | 'captionsShown'
    | 'showCaptions'
  >;
  readonly session: SessionState & Pick<ViewerSession, 'swap'>;
  /** Address and history of the window. */
  readonly search: () => string;
  readonly remember: (address: string, how: 'push' | 'replace') => void;
  readonly nowMs: () => number;
  /** Whether this tab was heard before it was loaded again. */
  readonly soundMemory: { wasOn: boolean };
}

const SAMPLE_EVERY_MS = 1_000;

export class PlayerState {
  readonly #options: PlayerStateOptions;
  readonly #choice: Signal<WallChoice>;
  /** What is open to all. */
  readonly #openStreams = signal<readonly StreamSummary[]>([]);
  readonly #session: Signal<SessionState>;
  /** Those of the session first, then what is open to all. */
  readonly #streams: ReadonlySignal<readonly StreamSummary[]>;
  /** Counts what the wall told: the views that show its numbers read it. */
  readonly tick = signal(0);
  readonly serverAnswers = signal(true);
  readonly notice = signal('');
  readonly dialog = signal<Dialog>('none');
  readonly statsShown = signal(false);
  /** Counts the seconds of which the shown statistics know. */
  readonly sampleCount = signal(0);
  #layoutBefore: LayoutName = 'auto';
  #lastSampleAtMs = 0;
  #isSwapping = false;
  #isFirstShow = true;
  /** What could not be given back: it is not tried for ever. */
  #keptText = '';

  /** All feeds of the wall, in the order of their panes, those of other pages included. */
  readonly ids: ReadonlySignal<readonly string[]>;
  readonly shownIds: ReadonlySignal<readonly string[]>;
  readonly focusId: ReadonlySignal<string | undefined>;

  constructor(options: PlayerStateOptions) {
    this.#options = options;
    this.#choice = signal(choiceFromAddress(options.search()));
    this.#session = signal(options.session);
    this.#streams = computed(() => this.#withSession(this.#openStreams.value));
    this.ids = computed(() => this.#choice.value.streamIds ?? this.#defaultIds());
    this.focusId = computed(() => {
      const { focusId } = this.#choice.value;
      const ids = this.ids.value;
      return focusId !== undefined && ids.includes(focusId) ? focusId : ids[0];
    });
    this.shownIds = computed(() => idsOnPage(this.ids.value, this.layout, this.focusId.value));
  }

  get layout(): LayoutName {
    return this.#choice.value.layout;
  }

  /** Those of the session first, then what is open to all. */
  get streams(): readonly StreamSummary[] {
    return this.#streams.value;
  }

  /** Places of the layout that have no feed yet. */
  get emptyPlaceCount(): number {
    const places = placeCount(this.layout, this.ids.value.length);
    return Math.max(0, places - this.shownIds.value.length);
  }

  /** In words, when something keeps the page from showing what it should; empty when nothing does. */
  get note(): string {
    const session = this.#session.value;
    if (!this.serverAnswers.value) return 'The server does not answer. Trying again.';
    if (session.problem !== undefined) return session.problem;
    if (this.notice.value !== '') return this.notice.value;
    if (this.ids.value.length > 0) return '';
    if (this.streams.length === 0) return 'There are no feeds yet. They appear here by themselves.';
    return 'No feed is chosen. Press Feeds to put some on the wall.';
  }

  nameOf(id: string): string {
    return this.streams.find((stream) => stream.id === id)?.name ?? id;
  }

  /** Called by the wall when its numbers have moved. */
  wallChanged(): void {
    this.tick.value += 1;
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#lastSampleAtMs < SAMPLE_EVERY_MS) return;
    this.#lastSampleAtMs = nowMs;
    if (this.statsShown.value) this.sampleCount.value += 1;
  }

  /** @param list undefined when the server did not answer. */
  knowStreams(list: readonly StreamSummary[] | undefined): void {
    this.serverAnswers.value = list !== undefined;
    if (list) this.#openStreams.value = list;
    this.#options.wall.knowStreams(this.streams);
    this.apply();
  }

  /** Makes the wall show what is chosen. Panes that stay are not disturbed. */
  apply(): void {
    const { wall } = this.#options;
    const missingIds = this.#missingIds();
    if (missingIds.length > 0) {
      // The panes stay as they are until the session has the new one.
      void this.#swapIn(missingIds);
      return;
    }
    wall.delivery = this.delivery;
    const ids = this.shownIds.value.filter((id) => this.#mayBeShown(id));
    const shown = wall.streamIds;
    const hearsOn = wall.audibleId !== undefined;
    if (ids.length !== shown.length || ids.some((id, index) => id !== shown[index])) wall.show(ids);
    this.#resumeSound();
    // Who turned the pages with the sound on hears the feed that has the focus now.
    const focusId = this.focusId.value;
    if (hearsOn && focusId !== undefined) this.#hear(focusId);
    void this.#giveBack();
  }

  /** The session has opened, was renewed, or has a problem. */
  sessionChanged({ streams, selectable, delivery, problem }: SessionState): void {
    this.#session.value = { streams, selectable, delivery, problem };
    this.#options.wall.knowStreams(this.streams);
    this.apply();
  }

  /** How the panes load: as the person chose, else as the session says. */
  get delivery(): DeliveryMode {
    return this.#choice.value.delivery ?? this.#session.value.delivery ?? DELIVERY_MODES[0];
  }

  setDelivery(delivery: DeliveryMode): void {
    this.#choose({ delivery }, 'replace');
    if (this.#session.value.streams.length > 0) void this.#swap({ delivery });
  }

  /** After the person went back or forth in the history. */
  addressChanged(): void {
    this.#choice.value = choiceFromAddress(this.#options.search());
    this.apply();
  }

  showDialog(name: Dialog): void {
    this.dialog.value = name;
  }

  toggleCaptions(): void {
    const { wall } = this.#options;
    wall.showCaptions(!wall.captionsShown).then(
      () => this.wallChanged(),
      () => (this.notice.value = 'The captions could not be loaded. Try again.'),
    );
  }

  toggleStats(): void {
    this.statsShown.value = !this.statsShown.value;
  }

  focus(id: string): void {
    if (id === this.focusId.value) return;
    this.#choose({ focusId: id }, 'replace');
  }

  focusStep(step: number): void {
    const id = stepped(this.ids.value, this.focusId.value, step);
    if (id !== undefined) this.focus(id);
  }

  /** Gives a feed the focus and the sound. */
  hear(id: string): void {
    this.focus(id);
    this.#hear(id);
  }

  /** As `hear`, and silences it when it is heard already. */
  toggleSound(id: string): void {
    const { wall } = this.#options;
    if (wall.audibleId === id) {
      wall.toggleSound(id);
      this.#options.soundMemory.wasOn = false;
    } else this.hear(id);
  }

  setLayout(layout: LayoutName): void {
    if (layout === this.layout) return;
    if (layout === 'focus') this.#layoutBefore = this.layout;
    this.#choose({ layout }, 'push');
  }

  cycleLayout(): void {
    this.setLayout(nextLayout(this.layout));
  }

  /** Gives a feed the large place, or the layout from before when it has that already. */
  enlarge(id: string): void {
    const large = this.layout === 'focus' && this.focusId.value === id;
    this.focus(id);
    this.setLayout(large ? this.#layoutBefore : 'focus');
  }

  putOn(id: string): void {
    const ids = withFeed(this.ids.value, id, this.focusId.value);
    this.#choose(
      { streamIds: ids, focusId: this.ids.value.length < PANES_MAX ? this.#keptFocus : id },
      'push',
    );
  }

  takeOff(id: string): void {
    const focusId = id === this.focusId.value ? undefined : this.#keptFocus;
    this.#choose({ streamIds: this.ids.value.filter((other) => other !== id), focusId }, 'push');
  }

  /** Moves a pane by so many places. */
  move(id: string, step: number): void {
    this.#choose({ streamIds: moved(this.ids.value, id, step) }, 'push');
  }

  swap(a: string, b: string): void {
    if (a !== b) this.#choose({ streamIds: swapped(this.ids.value, a, b) }, 'push');
  }

  /** While a session is refused, a premium feed has no signature: asking for it would only fail. */
  #mayBeShown(id: string): boolean {
    const { streams, problem } = this.#session.value;
    if (problem === undefined || streams.length > 0) return true;
    return this.#openStreams.value.some((stream) => stream.id === id);
  }

  /** Premium feeds that are to be shown and that the session does not have yet. */
  #missingIds(): readonly string[] {
    const { streams, selectable } = this.#session.value;
    const has = new Set([...streams, ...this.#openStreams.value].map(({ id }) => id));
    return this.ids.value.filter((id) => !has.has(id) && selectable.some((stream) => stream.id === id));
  }

  async #swapIn(add: readonly string[]): Promise<void> {
    const words = await this.#swap({ add, remove: this.#unusedIds() });
    if (words === undefined) return;
    const streamIds = this.ids.value.filter((id) => !add.includes(id));
    this.#choose({ streamIds }, 'replace');
    this.notice.value = words;
  }

  /** Feeds that were taken off the wall hold no places any more; the last one stays, or the session would end. */
  async #giveBack(): Promise<void> {
    const remove = this.#unusedIds();
    const text = remove.join();
    if (text === '' || text === this.#keptText) return;
    if (remove.length === this.#session.value.streams.length) return;
    if ((await this.#swap({ remove })) !== undefined) this.#keptText = text;
  }

  #unusedIds(): readonly string[] {
    const ids = this.ids.value;
    return this.#session.value.streams.map(({ id }) => id).filter((id) => !ids.includes(id));
  }

  /** One at a time; what is asked for meanwhile comes up again when the list of feeds does. */
  async #swap(change: SessionChange): Promise<string | undefined> {
    if (this.#isSwapping) return undefined;
    this.#isSwapping = true;
    try {
      return await this.#options.session.swap(change);
    } finally {
      this.#isSwapping = false;
    }
  }

  get #keptFocus(): string | undefined {
    return this.#choice.value.focusId;
  }

  #hear(id: string): void {
    const { wall } = this.#options;
    if (wall.audibleId === id || !wall.streamIds.includes(id)) return;
    wall.toggleSound(id);
    this.#options.soundMemory.wasOn = true;
  }

  /** A page that was heard is heard again after a reload, as far as the browser lets it. */
  #resumeSound(): void {
    const focusId = this.focusId.value;
    if (!this.#isFirstShow || focusId === undefined) return;
    this.#isFirstShow = false;
    if (this.#options.soundMemory.wasOn) this.#hear(focusId);
  }

  #choose(change: Partial<WallChoice>, how: 'push' | 'replace'): void {
    const streamIds = this.#choice.value.streamIds ?? this.ids.value;
    this.#choice.value = { ...this.#choice.value, streamIds, ...change };
    this.notice.value = '';
    this.#options.remember(addressOf(this.#choice.value, this.#options.search()), how);
    this.apply();
  }

  #defaultIds(): readonly string[] {
    const ofSession = this.#session.value.streams.map(({ id }) => id);
    return ofSession.length > 0 ? ofSession : this.#streams.value.slice(0, PANES_MAX).map(({ id }) => id);
  }

  /** The list shows what is open to all; how a premium stream is doing, its pane finds out by itself. */
  #withSession(list: readonly StreamSummary[]): readonly StreamSummary[] {
    const { streams, selectable } = this.#session.value;
    const known = new Set(list.map(({ id }) => id));
    const byId = new Map([...streams, ...selectable].map((stream) => [stream.id, stream]));
    const premium = [...byId.values()].filter(({ id }) => !known.has(id));
    return [...premium.map(({ id, name }) => ({ id, name, state: 'premium' })), ...list];
  }
}

/** What every registry must do, whatever keeps it. Run over the embedded one and over Redis. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Registry, SessionLimits, SlotHolder } from '../../domain/control/registry.ts';
import type { ViewerSession } from '../../domain/control/session.ts';
import type { StreamRecord } from '../../domain/control/stream-record.ts';
import { runnerStatus } from './runner-status.ts';

export interface RegistryHarness {
  /** An empty registry, and as many doors to it as asked for, each as another process would have. */
  open(doorCount: number): Promise<readonly [Registry, ...Registry[]]>;
  close(): Promise<void>;
}

const NOW_MS = Date.UTC(2026, 5, 1);
const LIMITS: SessionLimits = { viewerCount: 5, streamsPerViewer: 6, leaseMs: 90_000 };

export function streamRecord(id: string, overrides: Partial<StreamRecord> = {}): StreamRecord {
  return {
    id,
    name: `Stream ${id}`,
    access: 'premium',
    ingest: { protocol: 'srt-listener', latencyMs: 120 },
    frameRate: 30,
    hardware: 'auto',
    record: false,
    signalLoss: 'last-picture',
    createdAtMs: NOW_MS,
    history: [{ state: 'created', atMs: NOW_MS }],
    ...overrides,
  };
}

let sessionCount = 0;
function newSession(viewerId: string, streamIds: readonly string[]): Omit<ViewerSession, 'expiresAtMs'> {
  sessionCount += 1;
  return {
    sessionId: `session-${sessionCount}`,
    viewerId,
    streamIds,
    allowedStreamIds: '*',
    delivery: 'balanced',
    createdAtMs: NOW_MS,
  };
}

const ticket = (id = `ticket-${(sessionCount += 1)}`) => ({ id, expiresAtMs: NOW_MS + 60_000 });

export function registryContract(makeHarness: () => Promise<RegistryHarness>): void {
  let harness: RegistryHarness;
  beforeAll(async () => {
    harness = await makeHarness();
  });
  afterAll(() => harness.close());

  streamContract(() => harness);
  slotContract(() => harness);
  sessionContract(() => harness);
  idempotencyContract(() => harness);
  interleavingContract(() => harness);
}

function streamContract(harness: () => RegistryHarness): void {
  describe('streams', () => {
    test('a record comes back as it was put in, with revision 1', async () => {
      const [registry] = await harness().open(1);
      const record = streamRecord('a', { name: 'Tor – “Nord” 🎥' });
      expect(await registry.createStream(record, { recordCountMax: 10 })).toBe('created');
      expect(await registry.getStream('a')).toEqual({ record, revision: 1 });
      expect(await registry.getStream('b')).toBeUndefined();
    });

    test('an id is taken once, and no more records are kept than the limit', async () => {
      const [registry] = await harness().open(1);
      await registry.createStream(streamRecord('a'), { recordCountMax: 2 });
      const other = streamRecord('a', { name: 'other' });
      expect(await registry.createStream(other, { recordCountMax: 2 })).toBe('exists');
      expect(await registry.createStream(streamRecord('b'), { recordCountMax: 2 })).toBe('created');
      expect(await registry.createStream(streamRecord('c'), { recordCountMax: 2 })).toBe('limit');
    });

    test('of writers with the same revision in hand one replaces the record', async () => {
      const doors = await harness().open(4);
      await doors[0].createStream(streamRecord('a'), { recordCountMax: 10 });
      const outcomes = await Promise.all(
        doors.map((door, index) => door.replaceStream(streamRecord('a', { name: `writer ${index}` }), 1)),
      );
      expect(outcomes.filter((outcome) => outcome === 'replaced')).toHaveLength(1);
      expect((await doors[0].getStream('a'))?.revision).toBe(2);
    });

    test('a removed record is gone with its status, and only with the right revision', async () => {
      const [registry] = await harness().open(1);
      await registry.createStream(streamRecord('a'), { recordCountMax: 10 });
      await registry.putStatus(runnerStatus('a'), 60_000);
      expect(await registry.removeStream('a', 2)).toBe('conflict');
      expect(await registry.removeStream('a', 1)).toBe('removed');
      expect(await registry.getStream('a')).toBeUndefined();
      expect(await registry.getStatus('a')).toBeUndefined();
      expect(await registry.replaceStream(streamRecord('a'), 1)).toBe('conflict');
    });

    test('a page begins after the id given and is in order', async () => {
      const [registry] = await harness().open(1);
      for (const id of ['d', 'b', 'a-1', 'a', 'c'])
        await registry.createStream(streamRecord(id), { recordCountMax: 10 });
      const ids = async (page: { afterId?: string; countMax: number }) =>
        (await registry.listStreams(page)).map(({ record }) => record.id);
      expect(await ids({ countMax: 2 })).toEqual(['a', 'a-1']);
      expect(await ids({ afterId: 'a-1', countMax: 10 })).toEqual(['b', 'c', 'd']);
      expect(await ids({ afterId: 'bb', countMax: 10 })).toEqual(['c', 'd']);
    });

    test('a restored record does not overwrite one that is there', async () => {
      const [registry] = await harness().open(1);
      expect(await registry.restoreStream(streamRecord('a', { name: 'first' }))).toBe('restored');
      expect(await registry.restoreStream(streamRecord('a', { name: 'second' }))).toBe('exists');
      expect((await registry.getStream('a'))?.record.name).toBe('first');
    });

    test('the newest status of a runner is kept', async () => {
      const [registry] = await harness().open(1);
      await registry.createStream(streamRecord('a'), { recordCountMax: 10 });
      await registry.putStatus(runnerStatus('a'), 60_000);
      await registry.putStatus(runnerStatus('a', { state: 'live' }), 60_000);
      expect(await registry.getStatus('a')).toMatchObject({ state: 'live' });
    });
  });
}

function slotContract(harness: () => RegistryHarness): void {
  describe('slots', () => {
    test('the lowest free slot is allotted, and the same start gets its own again', async () => {
      const [registry] = await harness().open(1);
      const allot = (id: string) => registry.allotSlot({ streamId: id, startId: `${id}-1` }, 3);
      expect(await allot('a')).toEqual({ kind: 'allotted', slotIndex: 0 });
      expect(await allot('b')).toEqual({ kind: 'allotted', slotIndex: 1 });
      expect(await allot('a')).toEqual({ kind: 'allotted', slotIndex: 0 });
      await registry.releaseSlot({ slotIndex: 0, streamId: 'a', startId: 'a-1' });
      expect(await allot('c')).toEqual({ kind: 'allotted', slotIndex: 0 });
    });

    test('with none free the holders are named', async () => {
      const [registry] = await harness().open(1);
      await registry.allotSlot({ streamId: 'a', startId: 'a-1' }, 1);
      expect(await registry.allotSlot({ streamId: 'b', startId: 'b-1' }, 1)).toEqual({
        kind: 'full',
        holders: [{ slotIndex: 0, streamId: 'a', startId: 'a-1' }],
      });
    });

    test('a slot is released by its own start only', async () => {
      const [registry] = await harness().open(1);
      await registry.allotSlot({ streamId: 'a', startId: 'new' }, 1);
      const old: SlotHolder = { slotIndex: 0, streamId: 'a', startId: 'old' };
      expect(await registry.releaseSlot(old)).toBe('not-held');
      expect(await registry.listSlots()).toEqual([{ ...old, startId: 'new' }]);
    });

    test('a slot of a runner that was found running is claimed unless another holds it', async () => {
      const [registry] = await harness().open(1);
      const found: SlotHolder = { slotIndex: 2, streamId: 'a', startId: 'a-1' };
      expect(await registry.claimSlot(found)).toBe('claimed');
      expect(await registry.claimSlot(found)).toBe('claimed');
      expect(await registry.claimSlot({ ...found, streamId: 'b' })).toBe('taken');
    });
  });
}

function sessionContract(harness: () => RegistryHarness): void {
  describe('sessions', () => {
    test('a session comes back as it was opened, until its lease is over', async () => {
      const [registry] = await harness().open(1);
      const session = newSession('v', ['a', 'b']);
      const opened = { ...session, expiresAtMs: NOW_MS + 90_000 };
      expect(await registry.openSession(session, ticket(), NOW_MS, LIMITS)).toEqual({
        kind: 'ok',
        session: opened,
      });
      expect(await registry.getSession(session.sessionId, NOW_MS + 89_999)).toEqual(opened);
      expect(await registry.getSession(session.sessionId, NOW_MS + 90_000)).toBeUndefined();
      expect(await registry.renewSession(session.sessionId, NOW_MS + 90_000, LIMITS)).toEqual({
        kind: 'not-found',
      });
    });

    test('a ticket opens one session, and a refused one leaves the ticket unused', async () => {
      const [registry] = await harness().open(1);
      const one = ticket();
      const tooMany = newSession('v', ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
      expect(await registry.openSession(tooMany, one, NOW_MS, LIMITS)).toMatchObject({
        kind: 'viewer-stream-limit',
      });
      expect(await registry.openSession(newSession('v', ['a']), one, NOW_MS, LIMITS)).toMatchObject({
        kind: 'ok',
      });
      expect(await registry.openSession(newSession('v', ['a']), one, NOW_MS, LIMITS)).toEqual({
        kind: 'ticket-used',
      });
    });

    test("the limit counts a viewer's panes over all sessions, and frees what a lease gives up", async () => {
      const [registry] = await harness().open(1);
      const open = (ids: string[], nowMs = NOW_MS) =>
        registry.openSession(newSession('v', ids), ticket(), nowMs, LIMITS);
      expect(await open(['a', 'b', 'c', 'd'])).toMatchObject({ kind: 'ok' });
      expect(await open(['e', 'f', 'g'])).toEqual({ kind: 'viewer-stream-limit', inUseCount: 4 });
      expect(await open(['e', 'f'], NOW_MS + 1)).toMatchObject({ kind: 'ok' });
      const held = await registry.sessionsOfViewer('v', NOW_MS + 1);
      expect(held.map(({ streamIds }) => streamIds.length).sort((a, b) => a - b)).toEqual([2, 4]);
      expect(await registry.sessionsOfViewer('w', NOW_MS)).toEqual([]);
      expect(await open(['g'])).toEqual({ kind: 'viewer-stream-limit', inUseCount: 6 });
      expect(await open(['a', 'b', 'c', 'd', 'e', 'f'], NOW_MS + 90_001)).toMatchObject({ kind: 'ok' });
    });

    test('a viewer more than the limit is refused, a second session of an admitted one is not', async () => {
      const [registry] = await harness().open(1);
      const open = (viewerId: string, nowMs = NOW_MS) =>
        registry.openSession(newSession(viewerId, ['a']), ticket(), nowMs, LIMITS);
      for (let index = 0; index < 5; index++) expect(await open(`v${index}`)).toMatchObject({ kind: 'ok' });
      expect(await open('v5')).toEqual({ kind: 'viewer-limit' });
      expect(await open('v0')).toMatchObject({ kind: 'ok' });
      expect(await open('v5', NOW_MS + 90_000)).toMatchObject({ kind: 'ok' });
    });

    test('a swap within the limit keeps the rest, renews the lease, and sees a swap that came before', async () => {
      const [registry] = await harness().open(1);
      const session = newSession('v', ['a', 'b']);
      await registry.openSession(session, ticket(), NOW_MS, LIMITS);
      const swap = (to: string[], from: string[], nowMs = NOW_MS + 1_000) =>
        registry.swapStreams(session.sessionId, to, from, nowMs, LIMITS);
      expect(await swap(['a', 'c'], ['a', 'b'])).toMatchObject({
        kind: 'ok',
        session: { streamIds: ['a', 'c'], expiresAtMs: NOW_MS + 91_000 },
      });
      expect(await swap(['a', 'd'], ['a', 'b'])).toEqual({ kind: 'conflict' });
      expect(await swap(['a', 'b', 'c', 'd', 'e', 'f', 'g'], ['a', 'c'])).toEqual({
        kind: 'viewer-stream-limit',
        inUseCount: 2,
      });
      expect((await registry.getSession(session.sessionId, NOW_MS))?.streamIds).toEqual(['a', 'c']);
      expect((await registry.countViewers(NOW_MS)).perStream).toEqual({ a: 1, c: 1 });
    });

    test('closing frees the places, once', async () => {
      const [registry] = await harness().open(1);
      const session = newSession('v', ['a', 'b', 'c', 'd', 'e', 'f']);
      await registry.openSession(session, ticket(), NOW_MS, LIMITS);
      expect(await registry.closeSession(session.sessionId, NOW_MS)).toBe('closed');
      expect(await registry.closeSession(session.sessionId, NOW_MS)).toBe('not-found');
      expect(await registry.countViewers(NOW_MS)).toEqual({ viewerCount: 0, sessionCount: 0, perStream: {} });
    });

    test('hundreds of sessions that were abandoned together make room for the next viewer', async () => {
      const [registry] = await harness().open(1);
      const many = { ...LIMITS, viewerCount: 250 };
      for (let index = 0; index < 250; index++)
        await registry.openSession(newSession(`v${index}`, ['a', 'b']), ticket(), NOW_MS, many);
      expect((await registry.countViewers(NOW_MS)).perStream).toEqual({ a: 250, b: 250 });
      const next = await registry.openSession(newSession('next', ['a']), ticket(), NOW_MS + 90_000, many);
      expect(next).toMatchObject({ kind: 'ok' });
      expect(await registry.countViewers(NOW_MS + 90_000)).toEqual({
        viewerCount: 1,
        sessionCount: 1,
        perStream: { a: 1 },
      });
    });
  });
}

function idempotencyContract(harness: () => RegistryHarness): void {
  describe('requests', () => {
    test('the first is carried out, the next wait for it, and later ones get its answer', async () => {
      const [registry, other] = await harness().open(2);
      expect(await registry.beginRequest('k', 'hash', NOW_MS, 30_000)).toEqual({ kind: 'first' });
      expect(await other?.beginRequest('k', 'hash', NOW_MS, 30_000)).toEqual({ kind: 'in-progress' });
      await registry.finishRequest('k', 'hash', 'answer', NOW_MS, 60_000);
      expect(await other?.beginRequest('k', 'hash', NOW_MS + 59_999, 30_000)).toEqual({
        kind: 'done',
        answer: 'answer',
      });
      expect(await registry.beginRequest('k', 'hash', NOW_MS + 60_000, 30_000)).toEqual({ kind: 'first' });
    });

    test('another request with the same key is a mismatch', async () => {
      const [registry] = await harness().open(1);
      await registry.beginRequest('k', 'hash', NOW_MS, 30_000);
      expect(await registry.beginRequest('k', 'other', NOW_MS, 30_000)).toEqual({ kind: 'mismatch' });
    });

    test('one that failed, or died, may be tried again', async () => {
      const [registry] = await harness().open(1);
      await registry.beginRequest('k', 'hash', NOW_MS, 30_000);
      await registry.abandonRequest('k', 'hash');
      expect(await registry.beginRequest('k', 'hash', NOW_MS, 30_000)).toEqual({ kind: 'first' });
      expect(await registry.beginRequest('k', 'hash', NOW_MS + 30_000, 30_000)).toEqual({ kind: 'first' });
    });
  });
}

/** One thing that one of many callers does. */
type Step =
  | { readonly kind: 'open'; readonly viewer: number; readonly count: number; readonly laterMs: number }
  | {
      readonly kind: 'swap' | 'renew' | 'close';
      readonly session: number;
      readonly count: number;
      readonly laterMs: number;
    }
  | { readonly kind: 'start' | 'stop'; readonly stream: number };

/** Few viewers and little room, so that callers meet. */
const CROWD_VIEWER_COUNT = 3;
const CROWD_LIMITS: SessionLimits = { ...LIMITS, viewerCount: CROWD_VIEWER_COUNT };
/** Mostly none: sessions that are over are no competition. */
const laterMs = fc.oneof(
  { weight: 14, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.constantFrom(1_000, 50_000, 91_000) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('open' as const),
    viewer: fc.nat(CROWD_VIEWER_COUNT),
    count: fc.integer({ min: 1, max: 6 }),
    laterMs,
  }),
  fc.record({
    kind: fc.constantFrom('swap' as const, 'renew' as const, 'close' as const),
    session: fc.nat(5),
    count: fc.integer({ min: 1, max: 6 }),
    laterMs,
  }),
  fc.record({ kind: fc.constantFrom('start' as const, 'stop' as const), stream: fc.nat(5) }),
);

const SLOT_COUNT = 4;
const streamIds = (count: number, offset = 0) =>
  Array.from({ length: count }, (_, index) => `s${index + offset}`);

function interleavingContract(harness: () => RegistryHarness): void {
  test('no interleaving of callers exceeds a limit or leaks a place', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 6 }),
        async (callers) => {
          const doors = await harness().open(callers.length);
          const world = new World(doors[0]);
          await Promise.all(
            callers.map(async (steps, index) => {
              for (const one of steps) {
                await world.take(doors[index] ?? doors[0], one);
                await world.assertWithinLimits();
              }
            }),
          );
          await world.assertNothingLeaked();
        },
      ),
      { numRuns: 60 },
    );
  });
}

/** What the callers share, and what must hold of it at every moment. */
class World {
  readonly #registry: Registry;
  readonly #sessions: string[] = [];
  readonly #slots = new Map<string, number>();
  #nowMs = NOW_MS;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  async take(door: Registry, step: Step): Promise<void> {
    if ('laterMs' in step) this.#nowMs += step.laterMs;
    const nowMs = this.#nowMs;
    switch (step.kind) {
      case 'open': {
        const session = newSession(`v${step.viewer}`, streamIds(step.count));
        const outcome = await door.openSession(session, ticket(), nowMs, CROWD_LIMITS);
        if (outcome.kind === 'ok') this.#sessions.push(session.sessionId);
        break;
      }
      case 'swap': {
        const session = await door.getSession(this.#session(step.session), nowMs);
        if (session)
          await door.swapStreams(
            session.sessionId,
            streamIds(step.count, 3),
            session.streamIds,
            nowMs,
            CROWD_LIMITS,
          );
        break;
      }
      case 'renew':
        await door.renewSession(this.#session(step.session), nowMs, CROWD_LIMITS);
        break;
      case 'close':
        await door.closeSession(this.#session(step.session), nowMs);
        break;
      case 'start': {
        const streamId = `s${step.stream}`;
        const allotment = await door.allotSlot({ streamId, startId: 'x' }, SLOT_COUNT);
        if (allotment.kind === 'allotted') this.#slots.set(streamId, allotment.slotIndex);
        break;
      }
      case 'stop': {
        const streamId = `s${step.stream}`;
        const slotIndex = this.#slots.get(streamId);
        if (slotIndex !== undefined) await door.releaseSlot({ slotIndex, streamId, startId: 'x' });
        break;
      }
    }
  }

  async assertWithinLimits(): Promise<void> {
    const { viewerCount } = await this.#registry.countViewers(this.#nowMs);
    assert(viewerCount <= CROWD_LIMITS.viewerCount);
    const slots = await this.#registry.listSlots();
    assert(slots.length <= SLOT_COUNT);
    assert.equal(new Set(slots.map(({ streamId }) => streamId)).size, slots.length);
    for (const { streamIds } of await this.#liveSessions())
      assert(streamIds.length <= CROWD_LIMITS.streamsPerViewer);
  }

  /** With all callers done: the counts are those of the sessions, and without sessions nothing is counted. */
  async assertNothingLeaked(): Promise<void> {
    const sessions = await this.#liveSessions();
    const perStream: Record<string, number> = {};
    const perViewer = new Map<string, number>();
    for (const { viewerId, streamIds } of sessions) {
      perViewer.set(viewerId, (perViewer.get(viewerId) ?? 0) + streamIds.length);
      for (const id of streamIds) perStream[id] = (perStream[id] ?? 0) + 1;
    }
    for (const count of perViewer.values()) assert(count <= CROWD_LIMITS.streamsPerViewer);
    assert.deepEqual(await this.#registry.countViewers(this.#nowMs), {
      viewerCount: perViewer.size,
      sessionCount: sessions.length,
      perStream,
    });
    // Each viewer who watches can still fill up to the limit, and not go beyond it.
    for (const [viewerId, count] of perViewer) {
      const open = (ids: readonly string[]) =>
        this.#registry.openSession(newSession(viewerId, ids), ticket(), this.#nowMs, CROWD_LIMITS);
      const freeCount = CROWD_LIMITS.streamsPerViewer - count;
      assert.equal((await open(streamIds(freeCount + 1))).kind, 'viewer-stream-limit');
      if (freeCount > 0) assert.equal((await open(streamIds(freeCount))).kind, 'ok');
    }
    assert.deepEqual(await this.#registry.countViewers(this.#nowMs + 2 * CROWD_LIMITS.leaseMs), {
      viewerCount: 0,
      sessionCount: 0,
      perStream: {},
    });
  }

  #session(index: number): string {
    return this.#sessions.at(-1 - index) ?? 'none';
  }

  async #liveSessions(): Promise<ViewerSession[]> {
    const sessions = await Promise.all(
      this.#sessions.map((sessionId) => this.#registry.getSession(sessionId, this.#nowMs)),
    );
    return sessions.filter((session) => session !== undefined);
  }
}

/**
 * The registry in memory, for one process. JavaScript runs one method at a time, so each is atomic as long as
 * it does not await: that is why there is no `await` in this file.
 */

import type {
  IdempotencyOutcome,
  Registry,
  SessionLimits,
  SessionOutcome,
  SlotAllotment,
  SlotHolder,
  ViewerCounts,
} from '../domain/control/registry.ts';
import type { ViewerSession } from '../domain/control/session.ts';
import type { StreamRecord, VersionedRecord } from '../domain/control/stream-record.ts';
import type { StreamSample } from '../domain/control/stream-sample.ts';
import type { DeliveryMode } from '../domain/delivery.ts';
import type { RunnerStatus } from '../domain/stream.ts';

interface IdempotencyEntry {
  readonly requestHash: string;
  readonly expiresAtMs: number;
  readonly answer?: string;
}

export class EmbeddedRegistry implements Registry {
  readonly #streams = new Map<string, VersionedRecord>();
  readonly #slots = new Map<number, SlotHolder>();
  readonly #statuses = new Map<string, { status: RunnerStatus; expiresAtMs: number }>();
  readonly #samples = new Map<string, { samples: readonly StreamSample[]; expiresAtMs: number }>();
  readonly #sessions = new Map<string, ViewerSession>();
  /** Ids of the sessions of each viewer. */
  readonly #viewers = new Map<string, Set<string>>();
  readonly #usedTickets = new Map<string, number>();
  readonly #requests = new Map<string, IdempotencyEntry>();
  readonly #nowMs: () => number;

  constructor({ nowMs }: { nowMs: () => number }) {
    this.#nowMs = nowMs;
  }

  async createStream(
    record: StreamRecord,
    { recordCountMax }: { recordCountMax: number },
  ): Promise<'created' | 'exists' | 'limit'> {
    if (this.#streams.has(record.id)) return 'exists';
    if (this.#streams.size >= recordCountMax) return 'limit';
    this.#streams.set(record.id, { record, revision: 1 });
    return 'created';
  }

  async getStream(streamId: string): Promise<VersionedRecord | undefined> {
    return this.#streams.get(streamId);
  }

  async listStreams({
    afterId,
    countMax,
  }: {
    afterId?: string;
    countMax: number;
  }): Promise<readonly VersionedRecord[]> {
    return [...this.#streams.values()]
      .filter(({ record }) => afterId === undefined || record.id > afterId)
      .sort((a, b) => (a.record.id < b.record.id ? -1 : 1))
      .slice(0, countMax);
  }

  async replaceStream(record: StreamRecord, expectedRevision: number): Promise<'replaced' | 'conflict'> {
    if (this.#streams.get(record.id)?.revision !== expectedRevision) return 'conflict';
    this.#streams.set(record.id, { record, revision: expectedRevision + 1 });
    return 'replaced';
  }

  async removeStream(streamId: string, expectedRevision: number): Promise<'removed' | 'conflict'> {
    if (this.#streams.get(streamId)?.revision !== expectedRevision) return 'conflict';
    this.#streams.delete(streamId);
    this.#statuses.delete(streamId);
    this.#samples.delete(streamId);
    return 'removed';
  }

  async restoreStream(record: StreamRecord): Promise<'restored' | 'exists'> {
    if (this.#streams.has(record.id)) return 'exists';
    this.#streams.set(record.id, { record, revision: 1 });
    return 'restored';
  }

  async allotSlot(
    { streamId, startId }: { streamId: string; startId: string },
    slotCount: number,
  ): Promise<SlotAllotment> {
    for (const holder of this.#slots.values()) {
      if (holder.streamId === streamId && holder.startId === startId)
        return { kind: 'allotted', slotIndex: holder.slotIndex };
    }
    for (let slotIndex = 0; slotIndex < slotCount; slotIndex++) {
      if (this.#slots.has(slotIndex)) continue;
      this.#slots.set(slotIndex, { slotIndex, streamId, startId });
      return { kind: 'allotted', slotIndex };
    }
    return { kind: 'full', holders: sortedSlots(this.#slots) };
  }

  async releaseSlot(holder: SlotHolder): Promise<'released' | 'not-held'> {
    if (!sameHolder(this.#slots.get(holder.slotIndex), holder)) return 'not-held';
    this.#slots.delete(holder.slotIndex);
    return 'released';
  }

  async claimSlot(holder: SlotHolder): Promise<'claimed' | 'taken'> {
    const current = this.#slots.get(holder.slotIndex);
    if (current && !sameHolder(current, holder)) return 'taken';
    this.#slots.set(holder.slotIndex, {
      slotIndex: holder.slotIndex,
      streamId: holder.streamId,
      startId: holder.startId,
    });
    return 'claimed';
  }

  async listSlots(): Promise<readonly SlotHolder[]> {
    return sortedSlots(this.#slots);
  }

  async putStatus(status: RunnerStatus, ttlMs: number): Promise<void> {
    this.#statuses.set(status.streamId, { status, expiresAtMs: this.#nowMs() + ttlMs });
  }

  async getStatus(streamId: string): Promise<RunnerStatus | undefined> {
    const entry = this.#statuses.get(streamId);
    return entry && entry.expiresAtMs > this.#nowMs() ? entry.status : undefined;
  }

  async appendSample(
    streamId: string,
    sample: StreamSample,
    { countMax, ttlMs }: { countMax: number; ttlMs: number },
  ): Promise<'appended' | 'late'> {
    const samples = this.#samplesOf(streamId);
    const newest = samples.at(-1);
    if (newest && sample.atMs <= newest.atMs) return 'late';
    const kept = [...samples, sample].slice(-countMax);
    this.#samples.set(streamId, { samples: kept, expiresAtMs: this.#nowMs() + ttlMs });
    return 'appended';
  }

  async listSamples(streamId: string): Promise<readonly StreamSample[]> {
    return this.#samplesOf(streamId);
  }

  async openSession(
    session: Omit<ViewerSession, 'expiresAtMs'>,
    ticket: { readonly id: string; readonly expiresAtMs: number },
    nowMs: number,
    limits: SessionLimits,
  ): Promise<SessionOutcome> {
    this.#dropExpired(nowMs);
    if (this.#usedTickets.has(ticket.id)) return { kind: 'ticket-used' };
    const inUseCount = this.#streamCountOf(session.viewerId);
    if (inUseCount + session.streamIds.length > limits.streamsPerViewer)
      return { kind: 'viewer-stream-limit', inUseCount };
    if (!this.#viewers.has(session.viewerId) && this.#viewers.size >= limits.viewerCount)
      return { kind: 'viewer-limit' };
    const opened: ViewerSession = { ...session, expiresAtMs: nowMs + limits.leaseMs };
    this.#usedTickets.set(ticket.id, ticket.expiresAtMs);
    this.#sessions.set(opened.sessionId, opened);
    const ofViewer = this.#viewers.get(opened.viewerId) ?? new Set();
    this.#viewers.set(opened.viewerId, ofViewer.add(opened.sessionId));
    return { kind: 'ok', session: opened };
  }

  async getSession(sessionId: string, nowMs: number): Promise<ViewerSession | undefined> {
    return this.#liveSession(sessionId, nowMs);
  }

  async swapStreams(
    sessionId: string,
    streamIds: readonly string[],
    expectedStreamIds: readonly string[],
    nowMs: number,
    limits: SessionLimits,
    delivery?: DeliveryMode,
  ): Promise<SessionOutcome | { readonly kind: 'conflict' }> {
    this.#dropExpired(nowMs);
    const session = this.#sessions.get(sessionId);
    if (!session) return { kind: 'not-found' };
    if (session.streamIds.join(',') !== expectedStreamIds.join(',')) return { kind: 'conflict' };
    const inUseCount = this.#streamCountOf(session.viewerId);
    if (inUseCount - session.streamIds.length + streamIds.length > limits.streamsPerViewer)
      return { kind: 'viewer-stream-limit', inUseCount };
    return this.#store({
      ...session,
      streamIds: [...streamIds],
      delivery: delivery ?? session.delivery,
      expiresAtMs: nowMs + limits.leaseMs,
    });
  }

  async renewSession(sessionId: string, nowMs: number, limits: SessionLimits): Promise<SessionOutcome> {
    const session = this.#liveSession(sessionId, nowMs);
    if (!session) return { kind: 'not-found' };
    return this.#store({ ...session, expiresAtMs: nowMs + limits.leaseMs });
  }

  async sessionsOfViewer(viewerId: string, nowMs: number): Promise<readonly ViewerSession[]> {
    this.#dropExpired(nowMs);
    return [...this.#sessions.values()].filter((session) => session.viewerId === viewerId).sort(byAge);
  }

  async closeSession(sessionId: string, nowMs: number): Promise<'closed' | 'not-found'> {
    this.#dropExpired(nowMs);
    return this.#removeSession(sessionId) ? 'closed' : 'not-found';
  }

  async countViewers(nowMs: number): Promise<ViewerCounts> {
    this.#dropExpired(nowMs);
    const perStream: Record<string, number> = {};
    for (const { streamIds } of this.#sessions.values())
      for (const id of streamIds) perStream[id] = (perStream[id] ?? 0) + 1;
    return { viewerCount: this.#viewers.size, sessionCount: this.#sessions.size, perStream };
  }

  async beginRequest(
    key: string,
    requestHash: string,
    nowMs: number,
    lockMs: number,
  ): Promise<IdempotencyOutcome> {
    for (const [other, { expiresAtMs }] of this.#requests)
      if (expiresAtMs <= nowMs) this.#requests.delete(other);
    const entry = this.#requests.get(key);
    if (!entry) {
      this.#requests.set(key, { requestHash, expiresAtMs: nowMs + lockMs });
      return { kind: 'first' };
    }
    if (entry.requestHash !== requestHash) return { kind: 'mismatch' };
    return entry.answer === undefined ? { kind: 'in-progress' } : { kind: 'done', answer: entry.answer };
  }

  async finishRequest(
    key: string,
    requestHash: string,
    answer: string,
    nowMs: number,
    ttlMs: number,
  ): Promise<void> {
    const entry = this.#requests.get(key);
    if (entry && entry.requestHash !== requestHash) return;
    this.#requests.set(key, { requestHash, answer, expiresAtMs: nowMs + ttlMs });
  }

  async abandonRequest(key: string, requestHash: string): Promise<void> {
    const entry = this.#requests.get(key);
    if (entry?.requestHash === requestHash && entry.answer === undefined) this.#requests.delete(key);
  }

  async close(): Promise<void> {}

  #samplesOf(streamId: string): readonly StreamSample[] {
    const entry = this.#samples.get(streamId);
    return entry && entry.expiresAtMs > this.#nowMs() ? entry.samples : [];
  }

  #store(session: ViewerSession): SessionOutcome {
    this.#sessions.set(session.sessionId, session);
    return { kind: 'ok', session };
  }

  #liveSession(sessionId: string, nowMs: number): ViewerSession | undefined {
    const session = this.#sessions.get(sessionId);
    return session && session.expiresAtMs > nowMs ? session : undefined;
  }

  #streamCountOf(viewerId: string): number {
    let count = 0;
    for (const sessionId of this.#viewers.get(viewerId) ?? [])
      count += this.#sessions.get(sessionId)?.streamIds.length ?? 0;
    return count;
  }

  #dropExpired(nowMs: number): void {
    for (const { sessionId, expiresAtMs } of this.#sessions.values())
      if (expiresAtMs <= nowMs) this.#removeSession(sessionId);
    for (const [ticketId, expiresAtMs] of this.#usedTickets)
      if (expiresAtMs <= nowMs) this.#usedTickets.delete(ticketId);
  }

  #removeSession(sessionId: string): boolean {
    const session = this.#sessions.get(sessionId);
    if (!session) return false;
    this.#sessions.delete(sessionId);
    const ofViewer = this.#viewers.get(session.viewerId);
    ofViewer?.delete(sessionId);
    if (ofViewer?.size === 0) this.#viewers.delete(session.viewerId);
    return true;
  }
}

function byAge(a: ViewerSession, b: ViewerSession): number {
  return a.createdAtMs - b.createdAtMs;
}

function sortedSlots(slots: ReadonlyMap<number, SlotHolder>): SlotHolder[] {
  return [...slots.values()].sort((a, b) => a.slotIndex - b.slotIndex);
}

function sameHolder(a: SlotHolder | undefined, b: SlotHolder): boolean {
  return a?.streamId === b.streamId && a.startId === b.startId;
}

/**
 * The registry: which streams there are, who holds which ingest slot, and who watches. Every method is atomic;
 * callers run in any number of processes at once.
 */

import type { DeliveryMode } from '../delivery.ts';
import type { RunnerStatus } from '../stream.ts';
import type { ViewerSession } from './session.ts';
import type { StreamRecord, VersionedRecord } from './stream-record.ts';
import type { StreamSample } from './stream-sample.ts';

export interface StreamRegistry {
  /** `limit`: as many records as may be kept are there already. */
  createStream(
    record: StreamRecord,
    limits: { recordCountMax: number },
  ): Promise<'created' | 'exists' | 'limit'>;
  getStream(streamId: string): Promise<VersionedRecord | undefined>;
  /** In order of their ids, those after `afterId`, at most `countMax`. */
  listStreams(page: { afterId?: string; countMax: number }): Promise<readonly VersionedRecord[]>;
  /** Replaces the record that has this revision. `conflict`: somebody else changed it meanwhile, or removed it. */
  replaceStream(record: StreamRecord, expectedRevision: number): Promise<'replaced' | 'conflict'>;
  /** Removes the record with its status and samples, when it has this revision. */
  removeStream(streamId: string, expectedRevision: number): Promise<'removed' | 'conflict'>;
  /** Puts a record back that was lost. Does nothing when there is one. */
  restoreStream(record: StreamRecord): Promise<'restored' | 'exists'>;
}

export type SlotAllotment =
  | { readonly kind: 'allotted'; readonly slotIndex: number }
  | { readonly kind: 'full'; readonly holders: readonly SlotHolder[] };

export interface SlotHolder {
  readonly slotIndex: number;
  readonly streamId: string;
  readonly startId: string;
}

export interface SlotRegistry {
  /** The lowest free slot below `slotCount`; the one it has when this start holds one already. */
  allotSlot(holder: { streamId: string; startId: string }, slotCount: number): Promise<SlotAllotment>;
  /** Gives a slot back, when this start still holds it. */
  releaseSlot(holder: SlotHolder): Promise<'released' | 'not-held'>;
  /** Takes this very slot, for a runner that was found running. */
  claimSlot(holder: SlotHolder): Promise<'claimed' | 'taken'>;
  listSlots(): Promise<readonly SlotHolder[]>;
}

export interface RunnerStatusRegistry {
  /** Keeps the newest report of a stream's runner for `ttlMs`. */
  putStatus(status: RunnerStatus, ttlMs: number): Promise<void>;
  getStatus(streamId: string): Promise<RunnerStatus | undefined>;
}

export interface StreamSampleRegistry {
  /**
   * Keeps a sample, and no more than the newest `countMax`, until there was none for `ttlMs`. One that is not
   * later than the newest is left out: two may report the same.
   */
  appendSample(
    streamId: string,
    sample: StreamSample,
    keep: { countMax: number; ttlMs: number },
  ): Promise<'appended' | 'late'>;
  /** Oldest first. */
  listSamples(streamId: string): Promise<readonly StreamSample[]>;
}

export type SessionOutcome =
  | { readonly kind: 'ok'; readonly session: ViewerSession }
  | { readonly kind: 'not-found' }
  /** The ticket was used for a session before. */
  | { readonly kind: 'ticket-used' }
  | { readonly kind: 'viewer-stream-limit'; readonly inUseCount: number }
  | { readonly kind: 'viewer-limit' };

export interface SessionLimits {
  readonly viewerCount: number;
  readonly streamsPerViewer: number;
  readonly leaseMs: number;
}

/** Sessions whose lease has run out do not exist: no method shows them, and none counts them. */
export interface SessionRegistry {
  /** Opens a session and marks its ticket as used, both or neither. */
  openSession(
    session: Omit<ViewerSession, 'expiresAtMs'>,
    ticket: { readonly id: string; readonly expiresAtMs: number },
    nowMs: number,
    limits: SessionLimits,
  ): Promise<SessionOutcome>;
  getSession(sessionId: string, nowMs: number): Promise<ViewerSession | undefined>;
  /** Replaces the streams and renews the lease. */
  swapStreams(
    sessionId: string,
    streamIds: readonly string[],
    expectedStreamIds: readonly string[],
    nowMs: number,
    limits: SessionLimits,
    /** Left out, it stays as it is. */
    delivery?: DeliveryMode,
  ): Promise<SessionOutcome | { readonly kind: 'conflict' }>;
  renewSession(sessionId: string, nowMs: number, limits: SessionLimits): Promise<SessionOutcome>;
  /** Oldest first. */
  sessionsOfViewer(viewerId: string, nowMs: number): Promise<readonly ViewerSession[]>;
  closeSession(sessionId: string, nowMs: number): Promise<'closed' | 'not-found'>;
  countViewers(nowMs: number): Promise<ViewerCounts>;
}

export interface ViewerCounts {
  readonly viewerCount: number;
  readonly sessionCount: number;
  /** Panes over all sessions, per stream. */
  readonly perStream: Readonly<Record<string, number>>;
}

export type IdempotencyOutcome =
  | { readonly kind: 'first' }
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'done'; readonly answer: string };

/** Answers of POST requests by their Idempotency-Key. */
export interface IdempotencyRegistry {
  beginRequest(key: string, requestHash: string, nowMs: number, lockMs: number): Promise<IdempotencyOutcome>;
  finishRequest(
    key: string,
    requestHash: string,
    answer: string,
    nowMs: number,
    ttlMs: number,
  ): Promise<void>;
  /** Frees the key of a request that failed, so that it may be tried again. */
  abandonRequest(key: string, requestHash: string): Promise<void>;
}

export interface Registry
  extends StreamRegistry,
    SlotRegistry,
    RunnerStatusRegistry,
    StreamSampleRegistry,
    SessionRegistry,
    IdempotencyRegistry {
  /** Ends connections. */
  close(): Promise<void>;
}

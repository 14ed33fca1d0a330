/** Every maximum of the control plane in one place, with the relations between them. */
import { SEED_LIMITS } from '../profile.ts';

export const CONTROL_LIMITS = {
  /** Bodies of requests, in bytes of UTF-8. */
  bodyByteCountMax: 65_536,
  /** Streams that are kept, running or not. */
  streamRecordCountMax: 500,
  /** Changes of state that a record remembers; older ones are dropped first. */
  historyCountMax: 32,
  reasonCharCountMax: 300,
  nameCharCountMax: 100,
  /** An SDP must fit into the tags of an ECS service beside the rest of the record. */
  sdpCharCountMax: 4_096,
  srtStreamIdCharCountMax: 512,
  allowedSourceCountMax: 32,
  pageSizeDefault: 50,
  pageSizeMax: 100,
  streamsPerViewer: SEED_LIMITS.streamsPerViewer,
  viewerCount: SEED_LIMITS.viewerCount,
  /** Streams that one ticket may name. */
  ticketStreamCountMax: 100,
  ticketTtlSDefault: 60,
  ticketTtlSMax: 600,
  viewerIdCharCountMax: 64,
  /** A session without a renewal for this long has been abandoned. */
  sessionLeaseMs: 90_000,
  /** Clients renew this often: two tries may fail before the lease runs out. */
  sessionRenewMs: 30_000,
  /** How long a signature opens a stream's URLs. Every renewal answers fresh ones. */
  playbackTtlMs: 900_000,
  /** A stream's signature is made once in such a time, for all who come within it. */
  playbackExpiryStepMs: 60_000,
  /** A start or stop that has not finished by then has died half-way, and may be taken over. */
  operationLeaseMs: 60_000,
  /** How long a second caller waits for the first one's start or stop. API Gateway waits 30 s at most. */
  operationJoinMs: 20_000,
  idempotencyTtlMs: 600_000,
  /** How long the holder of an Idempotency-Key may take before the key is free again. */
  idempotencyLockMs: 30_000,
  idempotencyKeyCharCountMax: 255,
  /** A runner that has not reported for this long says nothing about its stream any more. */
  runnerStatusTtlMs: 15_000,
} as const;

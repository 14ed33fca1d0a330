/**
 * The launcher runs one runner per running stream and keeps it running: an ECS service on AWS, a child
 * process on one machine. It knows nothing of states; those come from runner reports and ECS events.
 */
import type { RunnerSpec } from '../stream.ts';
import type { IngestSlot } from './ingest-slot.ts';
import type { StreamRecord } from './stream-record.ts';

export interface LaunchRequest {
  /** As it is at launch, with its `run`: what the reconciler rebuilds a lost registry from. */
  readonly record: StreamRecord;
  /** `record.run.startId`. A second start with the same id is the first one's retry, and does nothing. */
  readonly startId: string;
  readonly slotIndex: number;
  readonly slot: IngestSlot;
  /** Complete but for the passphrase, which never enters a task definition or a command line. */
  readonly spec: RunnerSpec;
  /** The passphrase, by name for launchers whose runner reads the secret store, by value for the others. */
  readonly secret?: { readonly id: string; readonly value: string };
}

export interface LaunchedRunner {
  readonly streamId: string;
  readonly startId: string;
  /** `draining`: stop was asked for, and the runner may still be there. */
  readonly state: 'active' | 'draining';
  readonly slotIndex?: number;
  /** The record as it was at launch; absent where it could not be read back. */
  readonly record?: StreamRecord;
}

export interface Launcher {
  /**
   * Resolves once the runner is sure to be started, not once it runs. Idempotent per `startId`. When it
   * rejects, nothing of the start is left that `stop` would not remove.
   *
   * @throws MirrorError `LAUNCHER_*`
   */
  start(request: LaunchRequest): Promise<void>;
  /**
   * Ends the runner, and with it every left-over of its start. Idempotent; unknown ids are `stopped`.
   *
   * @returns `draining` when the runner may take seconds more to end. Asking again answers `stopped` by then.
   */
  stop(run: { readonly streamId: string; readonly startId: string }): Promise<'stopped' | 'draining'>;
  /**
   * What runs, as the launcher itself knows it and not as the registry remembers. A runner that drains may be
   * missing already: ECS no longer lists a service that was deleted.
   */
  list(): Promise<readonly LaunchedRunner[]>;
}

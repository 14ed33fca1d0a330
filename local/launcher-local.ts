/** The launcher of one machine: each running stream is a child process under a supervisor. */

import type { IngestSlot } from '../domain/control/ingest-slot.ts';
import { withPassphrase } from '../domain/control/launch.ts';
import type { LaunchedRunner, Launcher, LaunchRequest } from '../domain/control/launcher.ts';
import type { RunnerSpec } from '../domain/stream.ts';
import { STOPPED_BY_OPERATOR } from './stream-runner.ts';

/** Runs one runner until the signal aborts or it has failed for good; by then its process is gone. Never rejects. */
export type RunRunner = (
  run: { readonly streamId: string; readonly startId: string; readonly spec: RunnerSpec },
  signal: AbortSignal,
) => Promise<void>;

interface Launched {
  readonly request: LaunchRequest;
  readonly stopping: AbortController;
  readonly ended: Promise<void>;
}

export class LocalLauncher implements Launcher {
  readonly #run: RunRunner;
  /** By start id; gone once the process is. */
  readonly #launched = new Map<string, Launched>();
  #closed = false;

  constructor({ run }: { readonly run: RunRunner }) {
    this.#run = run;
  }

  async start(request: LaunchRequest): Promise<void> {
    if (this.#closed) throw new Error('The platform is ending.');
    if (this.#launched.has(request.startId)) return;
    const { startId, record } = request;
    const stopping = new AbortController();
    // Two runners of one stream would refuse each other, and one port takes one listener.
    const earlier = [...this.#launched.values()]
      .filter((other) => other.request.record.id === record.id || samePort(other.request.slot, request.slot))
      .map((other) => other.ended);
    const spec = withPassphrase(request.spec, request.secret?.value);
    const ended = Promise.all(earlier)
      .then(() =>
        stopping.signal.aborted
          ? undefined
          : this.#run({ streamId: record.id, startId, spec }, stopping.signal),
      )
      .finally(() => this.#launched.delete(startId));
    this.#launched.set(startId, { request, stopping, ended });
  }

  async stop({ streamId, startId }: { streamId: string; startId: string }): Promise<'stopped' | 'draining'> {
    const launched = this.#launched.get(startId);
    if (launched?.request.record.id !== streamId) return 'stopped';
    launched.stopping.abort(STOPPED_BY_OPERATOR);
    // A second and a half at most: the supervisor kills what does not end by itself.
    await launched.ended;
    return 'stopped';
  }

  async list(): Promise<readonly LaunchedRunner[]> {
    return [...this.#launched].map(([startId, { request, stopping }]) => ({
      streamId: request.record.id,
      startId,
      state: stopping.signal.aborted ? 'draining' : 'active',
      slotIndex: request.slotIndex,
      record: request.record,
    }));
  }

  /** Ends every runner. The streams are not over: their playlists do not end. */
  async close(): Promise<void> {
    this.#closed = true;
    const all = [...this.#launched.values()];
    for (const { stopping } of all) stopping.abort();
    await Promise.all(all.map(({ ended }) => ended));
  }
}

function samePort(a: IngestSlot, b: IngestSlot): boolean {
  return a.port === b.port;
}

/**
 * The live edge of a process that owns none: each call goes over Node's IPC channel to the parent, which
 * serves it with its own. The runner's half is `IpcLiveEdgeWriter`, the parent's `serveRunner`.
 */
import { MirrorError, messageOf } from '../domain/errors.ts';
import type { LiveEdgeWriter, PartEntry, StreamInfo } from '../domain/live-edge.ts';
import type { LogFields } from '../domain/log.ts';
import type { Track } from '../domain/renditions.ts';
import type { RunnerStatus } from '../domain/stream.ts';
import { liveEdgeErrors } from './errors.ts';
import type { LogLevel } from './log-level.ts';
import type { LiveEdgeCall, LiveEdgeResult, ParentMessage, RunnerMessage } from './runner-ipc.ts';

/** Calls without an answer yet: five seconds of parts of both tracks. */
const MAX_CALLS_IN_FLIGHT = 100;

/** Sends one message; false when the channel is closed. */
export type Send<Message> = (message: Message) => boolean;

interface PendingCall {
  resolve(value: 'appended' | 'duplicate' | undefined): void;
  reject(error: Error): void;
}

/** The runner's half. */
export class IpcLiveEdgeWriter implements LiveEdgeWriter {
  readonly #send: Send<RunnerMessage>;
  readonly #pending = new Map<number, PendingCall>();
  #nextId = 0;
  #closed = false;

  constructor(options: { readonly send: Send<RunnerMessage> }) {
    this.#send = options.send;
  }

  async open(streamId: string, info: StreamInfo): Promise<void> {
    await this.#call({ method: 'open', streamId, info });
  }

  async append(streamId: string, track: Track, entry: PartEntry): Promise<'appended' | 'duplicate'> {
    return (await this.#call({ method: 'append', streamId, track, entry })) ?? 'appended';
  }

  async end(streamId: string): Promise<void> {
    await this.#call({ method: 'end', streamId });
  }

  async remove(streamId: string): Promise<void> {
    await this.#call({ method: 'remove', streamId });
  }

  /** To be called with each `live-edge-result` of the parent. */
  onResult(id: number, result: LiveEdgeResult): void {
    const call = this.#pending.get(id);
    this.#pending.delete(id);
    if (!call) return;
    if (result.ok) call.resolve(result.value);
    else
      call.reject(
        new MirrorError(result.code, {
          retryable: result.retryable,
          meaning: result.message,
          remedy: result.remedy,
        }),
      );
  }

  /** To be called when the channel closes: every call fails, now and from now on. */
  onDisconnect(): void {
    this.#closed = true;
    for (const call of this.#pending.values())
      call.reject(liveEdgeErrors.create('UNREACHABLE', 'The parent process is gone.'));
    this.#pending.clear();
  }

  #call(call: LiveEdgeCall): Promise<'appended' | 'duplicate' | undefined> {
    if (this.#pending.size >= MAX_CALLS_IN_FLIGHT) {
      const detail = `The parent process left ${MAX_CALLS_IN_FLIGHT} calls without an answer.`;
      return Promise.reject(liveEdgeErrors.create('UNREACHABLE', detail));
    }
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      if (this.#closed || !this.#send({ kind: 'live-edge-call', id, call })) {
        reject(liveEdgeErrors.create('UNREACHABLE', 'The parent process is gone.'));
        return;
      }
      this.#pending.set(id, { resolve, reject });
    });
  }
}

/** What the parent makes of a runner's messages. */
export interface RunnerListener {
  onStatus(status: RunnerStatus): void;
  onLog(level: LogLevel, event: string, fields: LogFields): void;
  /** One of RUNNER_EXIT_CODE; the process is about to exit with it. */
  onEnding?(exitCode: number): void;
}

/**
 * The parent's half: serves one runner's calls with the given live edge, in their order.
 *
 * @param options.streamId the only stream that this runner may write; calls for another are refused.
 * @param options.send e.g. `(message) => child.connected && child.send(message)`.
 * @returns a function to be called with each message of the runner; it ignores what is no runner message.
 */
export function serveRunner(options: {
  readonly streamId: string;
  readonly liveEdge: LiveEdgeWriter;
  readonly send: Send<ParentMessage>;
  readonly listener: RunnerListener;
}): (message: unknown) => void {
  const { listener, send } = options;
  return (message) => {
    if (!isRunnerMessage(message)) return;
    switch (message.kind) {
      case 'status':
        listener.onStatus(message.status);
        return;
      case 'log':
        listener.onLog(message.level, message.event, message.fields);
        return;
      case 'live-edge-call':
        // Calls are started in the order of their messages; memory and Redis both keep that order.
        void serveCall(options, message.call).then((result) =>
          send({ kind: 'live-edge-result', id: message.id, result }),
        );
        return;
      case 'ending':
        listener.onEnding?.(message.exitCode);
    }
  };
}

async function serveCall(
  { liveEdge, streamId }: { liveEdge: LiveEdgeWriter; streamId: string },
  call: LiveEdgeCall,
): Promise<LiveEdgeResult> {
  if (call.streamId !== streamId)
    return refusal(new Error(`This runner is for the stream ${streamId}, not for ${call.streamId}.`));
  try {
    if (call.method === 'append')
      return { ok: true, value: await liveEdge.append(streamId, call.track, call.entry) };
    if (call.method === 'open') await liveEdge.open(streamId, call.info);
    if (call.method === 'end') await liveEdge.end(streamId);
    if (call.method === 'remove') await liveEdge.remove(streamId);
    return { ok: true };
  } catch (error) {
    return refusal(error);
  }
}

function refusal(thrown: unknown): LiveEdgeResult {
  const error =
    thrown instanceof MirrorError
      ? thrown
      : liveEdgeErrors.create('REFUSED', messageOf(thrown), { cause: thrown });
  const { code, message, remedy, retryable } = error;
  return { ok: false, code, message, remedy, retryable };
}

const RUNNER_MESSAGE_KINDS: readonly RunnerMessage['kind'][] = ['live-edge-call', 'status', 'log', 'ending'];

/** The runner is our own program: its messages are told apart from others, not checked field by field. */
function isRunnerMessage(message: unknown): message is RunnerMessage {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return false;
  const { kind } = message;
  return RUNNER_MESSAGE_KINDS.some((known) => known === kind);
}

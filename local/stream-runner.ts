/** One stream's runner as a child process: forked, served with the live edge, kept running, reported. */
import { type RunnerListener, serveRunner } from '../adapters/live-edge-ipc.ts';
import {
  type ParentMessage,
  RUNNER_CONFIG_ENV_NAME,
  RUNNER_EXIT_CODE,
  RUNNER_FAILED_EVENT,
} from '../adapters/runner-ipc.ts';
import type { LiveEdgeWriter } from '../domain/live-edge.ts';
import type { Log, LogFields } from '../domain/log.ts';
import type { RunnerStatus, StreamState } from '../domain/stream.ts';
import type { RunnerConfigInput } from '../gpu-runner/config.ts';
import { type ChildProgram, startChild } from './child-process.ts';
import { type ChildExit, type SupervisedChild, Supervisor, type SupervisorEvent } from './supervisor.ts';

/** Why a runner's signal aborts when its stream is over: playlists end and a recording is finished. */
export const STOPPED_BY_OPERATOR = 'stopped by the operator';

export interface StreamRunnerDependencies {
  readonly config: RunnerConfigInput;
  readonly program: ChildProgram;
  readonly liveEdge: LiveEdgeWriter;
  readonly streams: StreamStates;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Where states and reports go. */
export interface StreamStates {
  setState(id: string, state: StreamState, reason?: string): void;
  report(status: RunnerStatus): void;
}

export class StreamRunner {
  readonly #dependencies: StreamRunnerDependencies;
  readonly #streamId: string;
  readonly #log: Log;

  constructor(dependencies: StreamRunnerDependencies) {
    this.#dependencies = dependencies;
    this.#streamId = dependencies.config.spec.streamId;
    this.#log = dependencies.log.child({ stream: this.#streamId });
  }

  /** Runs until the signal aborts or the runner has failed for good; the stream's state says which. */
  async run(signal: AbortSignal): Promise<void> {
    const { nowMs, sleep } = this.#dependencies;
    const supervisor = new Supervisor({
      start: () => this.#start(signal),
      onEvent: (event) => this.#onEvent(event),
      isFinal: finalReason,
      nowMs,
      sleep,
    });
    await supervisor.run(signal);
  }

  #start(signal: AbortSignal): SupervisedChild {
    const { config, program, liveEdge, streams } = this.#dependencies;
    const listener: RunnerListener = {
      onStatus: (status) => streams.report(status),
      onLog: (level, event, fields) => {
        if (event === RUNNER_FAILED_EVENT) lastWords = wordsOf(fields);
        this.#log[level](event, fields);
      },
    };
    let serve: (message: unknown) => void = () => undefined;
    let lastWords: string | undefined;
    const child = startChild(
      { ...program, env: { ...program.env, [RUNNER_CONFIG_ENV_NAME]: JSON.stringify(config) } },
      {
        onMessage: (message) => serve(message),
        onLine: (line) => this.#log.debug('runner-says', { line }),
      },
    );
    serve = serveRunner({
      streamId: this.#streamId,
      liveEdge,
      send: (message) => child.send(message),
      listener,
    });
    const stop = () => {
      if (signal.reason === STOPPED_BY_OPERATOR) child.send({ kind: 'stop' } satisfies ParentMessage);
      else child.stop();
    };
    // Its log comes through the channel, and says more than what it may have written to stderr.
    const exited = child.exited.then((exit) => (lastWords === undefined ? exit : { ...exit, lastWords }));
    return { ...child, exited, stop };
  }

  #onEvent(event: SupervisorEvent): void {
    const { streams } = this.#dependencies;
    switch (event.kind) {
      case 'started':
        if (event.attempt === 1) streams.setState(this.#streamId, 'starting');
        return;
      case 'restarting':
        this.#log.warn('runner-restarts', { reason: event.reason, delayMs: event.delayMs });
        streams.setState(this.#streamId, 'starting', `The runner ended (${event.reason}); it starts again.`);
        return;
      case 'failed':
        this.#log.error('runner-failed', { reason: event.reason });
        streams.setState(this.#streamId, 'failed', event.reason);
        return;
      case 'stopped':
        streams.setState(this.#streamId, 'stopped');
    }
  }
}

/** Why it failed and what to do, as a runner logs it before it ends. */
function wordsOf({ error, remedy }: LogFields): string | undefined {
  if (typeof error !== 'string') return undefined;
  return typeof remedy === 'string' ? `${error} ${remedy}` : error;
}

/** Exits after which starting again is useless, in words. */
function finalReason(exit: ChildExit): string | undefined {
  switch (exit.code) {
    case RUNNER_EXIT_CODE.badConfig:
      return `its configuration is wrong: ${exit.lastWords ?? 'no reason was given'}`;
    case RUNNER_EXIT_CODE.secondRunner:
      return 'another runner publishes this stream';
    case RUNNER_EXIT_CODE.initConflict:
      return 'its encoder settings changed under the running stream; start again with an empty data directory';
    case RUNNER_EXIT_CODE.streamRemoved:
      return 'the stream was removed';
    default:
      return undefined;
  }
}

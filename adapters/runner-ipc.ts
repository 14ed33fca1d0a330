/**
 * What a runner process and the process that started it say to each other over Node's IPC channel, when both
 * are on one machine (`npm start`). On AWS there is no parent: the runner writes to Redis and to stdout.
 *
 * The parent forks `gpu-runner/main.ts` with an IPC channel and the environment variable
 * `RUNNER_CONFIG_ENV_NAME`, serves the calls with `serveRunner` of live-edge-ipc.ts, and ends the runner with
 * the message `stop` (the operator stopped the stream: playlists end) or with SIGTERM (clean, but the stream
 * is not over). A lost channel means that the parent is gone: the runner ends itself.
 */
import type { PartEntry, StreamInfo } from '../domain/live-edge.ts';
import type { LogFields } from '../domain/log.ts';
import type { Track } from '../domain/renditions.ts';
import type { RunnerStatus } from '../domain/stream.ts';
import type { LogLevel } from './log-level.ts';

/** Environment variable that holds the runner's configuration as JSON (`runnerConfigSchema`). */
export const RUNNER_CONFIG_ENV_NAME = 'MIRROR_RUNNER_CONFIG';

/** Of the log: the last line of a runner that fails, with why and what to do. */
export const RUNNER_FAILED_EVENT = 'runner-failed';

/** Exit codes of a runner process. Any other code, or a signal, is a crash: start it again. */
export const RUNNER_EXIT_CODE = {
  /** Stopped as asked. */
  stopped: 0,
  /** Something unforeseen; the last log line says what. Start it again. */
  failed: 1,
  /** The configuration is wrong: starting it again without a change is useless. */
  badConfig: 78,
  /** Another runner publishes this stream. Start it again only if it should take over later. */
  secondRunner: 75,
  /** An init segment with other bytes is stored: the settings changed under a living stream. */
  initConflict: 76,
  /** The stream was removed from the live edge: nobody wants this runner any more. */
  streamRemoved: 79,
  /** The channel to the parent closed. */
  parentGone: 77,
} as const;

export type LiveEdgeCall =
  | { readonly method: 'open'; readonly streamId: string; readonly info: StreamInfo }
  | {
      readonly method: 'append';
      readonly streamId: string;
      readonly track: Track;
      readonly entry: PartEntry;
    }
  | { readonly method: 'end'; readonly streamId: string }
  | { readonly method: 'remove'; readonly streamId: string };

export type RunnerMessage =
  /** Answered by `live-edge-result` with the same id. */
  | { readonly kind: 'live-edge-call'; readonly id: number; readonly call: LiveEdgeCall }
  /** About once a second and at each change of state. */
  | { readonly kind: 'status'; readonly status: RunnerStatus }
  | { readonly kind: 'log'; readonly level: LogLevel; readonly event: string; readonly fields: LogFields }
  /** The last message of a runner that ends by itself, for whatever reason. */
  | { readonly kind: 'ending'; readonly exitCode: number };

export type LiveEdgeResult =
  | { readonly ok: true; readonly value?: 'appended' | 'duplicate' }
  | {
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      readonly remedy: string;
      readonly retryable: boolean;
    };

export type ParentMessage =
  | { readonly kind: 'live-edge-result'; readonly id: number; readonly result: LiveEdgeResult }
  /** The operator stopped the stream: publish the last part, end the playlists, exit with 0. */
  | { readonly kind: 'stop' };

/**
 * The runner process: one stream, from its feed to its parts. Reads its configuration, wires the adapters,
 * runs until it is told to stop, and says with its exit code how it ended (RUNNER_EXIT_CODE).
 *
 * Told to stop: the message `stop` of the parent (the operator stopped the stream: playlists end), or SIGTERM
 * and SIGINT (the runner goes, the stream stays: nothing ends, and the next runner continues by the clock;
 * unless the registry says that the stream is stopping).
 *
 * What only AWS needs is imported when it is asked for: on one machine it would cost every stream's process
 * 20 MB and a third of a second of CPU.
 */
import { createServer } from 'node:net';
import { AV_LOG_FATAL, AV_LOG_WARNING } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { SystemClock } from '../adapters/clock-system.ts';
import { IpcLiveEdgeWriter } from '../adapters/live-edge-ipc.ts';
import { IpcLog } from '../adapters/log-ipc.ts';
import { JsonLog } from '../adapters/log-json.ts';
import { DiskMediaStore } from '../adapters/media-store-disk.ts';
import { onParentGone } from '../adapters/parent-process.ts';
import {
  type ParentMessage,
  RUNNER_EXIT_CODE,
  RUNNER_FAILED_EVENT,
  type RunnerMessage,
} from '../adapters/runner-ipc.ts';
import { stateOf } from '../domain/control/stream-record.ts';
import { MirrorError, messageOf } from '../domain/errors.ts';
import type { LiveEdgeWriter } from '../domain/live-edge.ts';
import type { Log as StructuredLog } from '../domain/log.ts';
import type { MediaStoreReader, MediaStoreWriter, ObjectWriter } from '../domain/media-store.ts';
import { profileWithFrameRate } from '../domain/profile.ts';
import type { RunnerStatus } from '../domain/stream.ts';
import { type RunnerConfig, readRunnerConfig } from './config.ts';
import { runnerErrors } from './errors.ts';
import { endFields, Runner } from './runner.ts';
import { statusMetricsLine } from './status-metrics.ts';

/** A stop that takes longer is cut short: something native hangs. */
const STOP_DEADLINE_MS = 8_000;

/** How often the counters are logged, in CloudWatch's embedded metric format. */
const METRICS_INTERVAL_MS = 10_000;

const clock = new SystemClock();
const stopping = new AbortController();
let operatorStopped = false;

const config = readConfigOrExit();
const log = logOf(config);
// What FFmpeg has to say of a damaged feed would be thousands of lines; the runner's parts count it instead.
Log.setLevel(config.logLevel === 'debug' ? AV_LOG_WARNING : AV_LOG_FATAL);
const liveEdge = await liveEdgeOf(config);
const starter = await starterOf(config);
listenToParent();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(signal));
process.on('uncaughtException', (error) => exitWith(error));
process.on('unhandledRejection', (error) => exitWith(error));
if (config.healthPort !== undefined) answerHealthChecks(config.healthPort);

const runner = new Runner({
  spec: config.spec,
  profile: profileWithFrameRate(config.spec.frameRate),
  clock,
  log,
  store: await storeOf(config.store),
  liveEdge,
  ...(config.recordings ? { recordings: await storeOf(config.recordings) } : {}),
  onStatus: starter.onStatus,
});
log.info('runner-started', { protocol: config.spec.ingest.protocol, frameRate: config.spec.frameRate });
try {
  let isEnded = false;
  await runner.run({
    signal: stopping.signal,
    isEnded: async () => (isEnded = await starter.wasStopped()),
  });
  log.info('runner-stopped', { isEnded });
  exit(RUNNER_EXIT_CODE.stopped);
} catch (error) {
  exitWith(error);
}

function readConfigOrExit(): RunnerConfig {
  try {
    const read = readRunnerConfig(process.env);
    if (read.liveEdge.kind === 'redis' || process.send) return read;
    throw runnerErrors.create('BAD_CONFIG', 'liveEdge.kind is "ipc", but no parent forked this process.');
  } catch (error) {
    const remedy = error instanceof MirrorError ? ` ${error.remedy}` : '';
    process.stderr.write(`${messageOf(error)}${remedy}\n`);
    return process.exit(RUNNER_EXIT_CODE.badConfig);
  }
}

function logOf({ spec, logLevel: level }: RunnerConfig): StructuredLog {
  const fields = { streamId: spec.streamId };
  if (process.send) return new IpcLog({ send: sendToParent, level, fields });
  return new JsonLog({ clock, level, fields, write: (line) => void process.stdout.write(line) });
}

async function liveEdgeOf({ liveEdge: wanted }: RunnerConfig): Promise<LiveEdgeWriter> {
  if (wanted.kind === 'redis') {
    const { RedisLiveEdgeWriter } = await import('../adapters/live-edge-redis-writer.ts');
    const { url, prefix } = wanted;
    return new RedisLiveEdgeWriter({ url, log, ...(prefix === undefined ? {} : { prefix }) });
  }
  const writer = new IpcLiveEdgeWriter({ send: sendToParent });
  process.on('message', (message: ParentMessage) => {
    if (message.kind === 'live-edge-result') writer.onResult(message.id, message.result);
  });
  process.on('disconnect', () => writer.onDisconnect());
  return writer;
}

type AnyStore = MediaStoreWriter & MediaStoreReader & ObjectWriter;

async function storeOf(store: RunnerConfig['store']): Promise<AnyStore> {
  if (store.kind === 'disk') return new DiskMediaStore({ directory: store.directory });
  const { S3MediaStore } = await import('../adapters/media-store-s3.ts');
  const { bucket, region, endpoint } = store;
  return new S3MediaStore({ bucket, region, ...(endpoint === undefined ? {} : { endpoint }) });
}

/** Who started this runner, and wants to hear of it. */
interface Starter {
  readonly onStatus: (status: RunnerStatus) => void;
  /** Whether the operator stopped the stream, for a runner that was told to go. */
  wasStopped(): Promise<boolean>;
}

/** The parent by messages; and where Redis is the live edge, the control plane by its registry there. */
async function starterOf({ liveEdge: wanted, spec, environmentName }: RunnerConfig): Promise<Starter> {
  if (wanted.kind === 'ipc') {
    return {
      onStatus: (status) => void sendToParent({ kind: 'status', status }),
      wasStopped: async () => operatorStopped,
    };
  }
  const { RedisRegistry } = await import('../adapters/registry-redis.ts');
  const { RegistryRunnerReports } = await import('../adapters/registry-runner-reports.ts');
  const registry = new RedisRegistry({ url: wanted.url, log });
  const reports = new RegistryRunnerReports({ registry });
  let isWriting = false;
  let measured: RunnerStatus | undefined;
  return {
    onStatus: (status) => {
      sendToParent({ kind: 'status', status });
      if (environmentName !== undefined && status.atMs - (measured?.atMs ?? 0) >= METRICS_INTERVAL_MS) {
        process.stdout.write(statusMetricsLine(status, measured, environmentName));
        measured = status;
      }
      // While Redis hangs there is nothing to gain from more of them: the next one says it all.
      if (isWriting) return;
      isWriting = true;
      void reports
        .report(status)
        .catch((error: unknown) => log.debug('status-not-written', endFields(error)))
        .finally(() => {
          isWriting = false;
        });
    },
    // ECS says SIGTERM whatever the reason is; the control plane notes its own before it asks ECS.
    wasStopped: async () => {
      if (operatorStopped) return true;
      try {
        const found = await registry.getStream(spec.streamId);
        return found !== undefined && stateOf(found.record).state === 'stopping';
      } catch (error) {
        log.warn('stop-reason-unknown', endFields(error));
        return false;
      }
    },
  };
}

function listenToParent(): void {
  if (!process.send) return;
  process.on('message', (message: ParentMessage) => {
    if (message.kind !== 'stop') return;
    operatorStopped = true;
    stop('stop');
  });
  onParentGone(() => process.exit(RUNNER_EXIT_CODE.parentGone));
}

function sendToParent(message: RunnerMessage): boolean {
  if (!process.send || !process.connected) return false;
  // An error means that the parent is gone, which `disconnect` says as well.
  process.send(message, undefined, undefined, () => undefined);
  return true;
}

function stop(cause: string): void {
  if (stopping.signal.aborted) return;
  log.info('runner-stopping', { cause });
  stopping.abort();
  setTimeout(() => {
    log.error('stop-took-too-long', { deadlineMs: STOP_DEADLINE_MS });
    exit(RUNNER_EXIT_CODE.failed);
  }, STOP_DEADLINE_MS).unref();
}

/** A connection is the answer: the process lives. What state its feed is in is no matter of health. */
function answerHealthChecks(port: number): void {
  const server = createServer((socket) => socket.destroy());
  server.on('error', (error) => log.error('health-port-not-open', { port, error: error.message }));
  server.listen(port);
}

function exitWith(error: unknown): void {
  log.error(RUNNER_FAILED_EVENT, endFields(error));
  exit(exitCodeOf(error));
}

/** Leaves once the last messages are written. */
function exit(code: number): void {
  process.exitCode = code;
  if (process.connected)
    process.send?.({ kind: 'ending', exitCode: code } satisfies RunnerMessage, undefined, undefined, () =>
      process.exit(code),
    );
  else process.stdout.write('', () => process.exit(code));
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof MirrorError)) return RUNNER_EXIT_CODE.failed;
  switch (error.code) {
    case 'PUBLISH_SECOND_RUNNER':
      return RUNNER_EXIT_CODE.secondRunner;
    case 'PUBLISH_INIT_CONFLICT':
      return RUNNER_EXIT_CODE.initConflict;
    case 'PUBLISH_STREAM_REMOVED':
      return RUNNER_EXIT_CODE.streamRemoved;
    default:
      return RUNNER_EXIT_CODE.failed;
  }
}

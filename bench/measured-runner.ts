/**
 * A runner process that also tells its parent when the last frame of each part left the encoder. Wired like
 * gpu-runner/main.ts with the live edge over IPC and parts on disk; only for the bench.
 */
import { AV_LOG_FATAL } from 'node-av/constants';
import { Log as AvLog } from 'node-av/lib';
import { SystemClock } from '../adapters/clock-system.ts';
import { IpcLiveEdgeWriter } from '../adapters/live-edge-ipc.ts';
import { IpcLog } from '../adapters/log-ipc.ts';
import { DiskMediaStore } from '../adapters/media-store-disk.ts';
import type { ParentMessage } from '../adapters/runner-ipc.ts';
import { profileWithFrameRate } from '../domain/profile.ts';
import { readRunnerConfig } from '../gpu-runner/config.ts';
import type { PackagedPart } from '../gpu-runner/media.ts';
import { Runner } from '../gpu-runner/runner.ts';

export interface PartTiming {
  readonly kind: 'bench-part';
  readonly track: PackagedPart['track'];
  readonly mediaSequenceNumber: number;
  readonly partIndex: number;
  readonly encodedAtMs: number;
  readonly announcedAtMs: number;
}

const send = (message: object): boolean =>
  process.send?.(message, undefined, undefined, () => undefined) ?? false;

AvLog.setLevel(AV_LOG_FATAL);
const { spec, store, logLevel } = readRunnerConfig(process.env);
if (store.kind !== 'disk') throw new Error('The bench keeps parts on disk.');
const clock = new SystemClock();
const liveEdge = new IpcLiveEdgeWriter({ send });
process.on('message', (message: ParentMessage) => {
  if (message.kind === 'live-edge-result') liveEdge.onResult(message.id, message.result);
});
const ending = new AbortController();
process.on('SIGTERM', () => ending.abort());
process.on('disconnect', () => process.exit(1));

const runner = new Runner({
  spec,
  profile: profileWithFrameRate(spec.frameRate),
  clock,
  log: new IpcLog({ send, level: logLevel, fields: { streamId: spec.streamId } }),
  store: new DiskMediaStore({ directory: store.directory }),
  liveEdge,
  onStatus: (status) => void send({ kind: 'status', status }),
  onAnnounced: ({ track, mediaSequenceNumber, partIndex, encodedAtMs }, latencyMs) => {
    const announcedAtMs = encodedAtMs + latencyMs;
    const timing: PartTiming = {
      kind: 'bench-part',
      track,
      mediaSequenceNumber,
      partIndex,
      encodedAtMs,
      announcedAtMs,
    };
    send(timing);
  },
});
await runner.run({ signal: ending.signal, isEnded: () => false });
process.exit(0);

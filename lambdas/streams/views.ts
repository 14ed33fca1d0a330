/** Records as the API shows them. No passphrase and no secret's name is ever part of a view. */
import type { ListedStream, StreamDetail, StreamView } from '../../domain/control/api.ts';
import type { IngestSlot } from '../../domain/control/ingest-slot.ts';
import { ingestTargetOf } from '../../domain/control/launch.ts';
import { type StreamRecord, stateOf } from '../../domain/control/stream-record.ts';
import type { RunnerStatus } from '../../domain/stream.ts';

export function playlistPathOf(record: Pick<StreamRecord, 'id' | 'access'>): string {
  return `/${record.access === 'open' ? 'open' : 'live'}/${record.id}/index.m3u8`;
}

export function streamView(record: StreamRecord, slots: readonly IngestSlot[]): StreamView {
  const { state, reason, atMs } = stateOf(record);
  const slot = record.run && slots[record.run.slotIndex];
  const target = slot && ingestTargetOf(record, slot);
  return {
    id: record.id,
    name: record.name,
    access: record.access,
    state,
    ...(reason === undefined ? {} : { reason }),
    since: sinceOf(record, atMs),
    createdAt: instant(record.createdAtMs),
    frameRate: record.frameRate,
    hardware: record.hardware,
    record: record.record,
    signalLoss: record.signalLoss,
    ingest: record.ingest,
    playlistPath: playlistPathOf(record),
    ...(record.run ? { slotIndex: record.run.slotIndex } : {}),
    ...(target ? { ingestUrl: target.url } : {}),
  };
}

export function listedStream(
  record: StreamRecord,
  slots: readonly IngestSlot[],
  status: RunnerStatus | undefined,
): ListedStream {
  return { ...streamView(record, slots), ...(status ? { runner: runnerView(status) } : {}) };
}

/** What everybody may know of an open stream. */
export function publicStreamView(record: StreamRecord): StreamView {
  const { reason: _operators, ...view } = streamView({ ...record, run: undefined }, []);
  return { ...view, ingest: { protocol: record.ingest.protocol } };
}

export function streamDetail(
  record: StreamRecord,
  slots: readonly IngestSlot[],
  status?: RunnerStatus,
): StreamDetail {
  return {
    ...streamView(record, slots),
    history: record.history.map(({ state, atMs, reason, times }) => ({
      state,
      at: instant(atMs),
      ...(reason === undefined ? {} : { reason }),
      ...(times === undefined ? {} : { times }),
    })),
    ...(status ? { runner: runnerView(status) } : {}),
  };
}

function runnerView(status: RunnerStatus): StreamDetail['runner'] {
  const { streamId: _same, atMs, ...rest } = status;
  return { ...rest, reportedAt: instant(atMs) };
}

/** The first entry of the run of entries with the present state: a new reason does not restart its clock. */
function sinceOf({ history }: StreamRecord, atMs: number): string {
  let since = atMs;
  for (const entry of history.toReversed()) {
    if (entry.state !== history.at(-1)?.state) break;
    since = entry.atMs;
  }
  return instant(since);
}

export function instant(unixMs: number): string {
  return new Date(unixMs).toISOString();
}

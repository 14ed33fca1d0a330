/** One stream in depth. */
import { captureInWords, sourceInWords } from '../../domain/source-words.ts';
import { hasPictures, isRunningState } from './console-state.ts';
import { HistoryTable } from './history-table.tsx';
import { MetricsPanel } from './metrics-panel.tsx';
import { RecordingsPanel } from './recordings-panel.tsx';
import { hashOf } from './route.ts';
import { runnerReport } from './runner-report.ts';
import { StateBadge } from './state-badge.tsx';
import { useConsole } from './state-context.ts';
import { StreamActions } from './stream-actions.tsx';
import { StreamNumbers } from './stream-numbers.tsx';
import { Thumbnail } from './thumbnail.tsx';
import { usePolled } from './use-polled.ts';

/** The history and the recordings change with the state, and now and then without it. */
const DETAIL_EVERY_MS = 10_000;
const PICTURE_EVERY_MS = 2_000;

export function StreamPage({ streamId }: { readonly streamId: string }) {
  const state = useConsole();
  const stream = state.streams.value?.find(({ id }) => id === streamId);
  const { value: detail, problem } = usePolled(
    async () => state.api.value?.showStream(streamId),
    DETAIL_EVERY_MS,
    `${streamId} ${stream?.state}`,
  );
  const health = state.health.value.get(streamId);
  const back = (
    <a class="back" href={hashOf({ view: 'list' })}>
      All streams
    </a>
  );
  if (!stream)
    return (
      <>
        {back}
        <p class="empty">{problem ?? 'There is no such stream.'}</p>
      </>
    );
  const report = runnerReport(stream.runner);
  const { video, audio, capture } = report?.source ?? {};
  return (
    <article class="stream-page" data-stream={streamId} data-state={stream.state}>
      {back}
      <div class="stream-head">
        <h2>{stream.name}</h2>
        <StateBadge health={health} />
        <StreamActions stream={stream} />
      </div>
      {health?.words && <p class="reason">{health.words}</p>}
      <div class="stream-now">
        <Thumbnail
          streamId={streamId}
          name={stream.name}
          hasMedia={hasPictures(stream.state)}
          everyMs={PICTURE_EVERY_MS}
        />
        <div class="card">
          <StreamNumbers stream={stream} health={health} />
          <dl class="facts">
            <Fact name="Source" value={sourceInWords({ video, audio })} />
            <Fact name="From" value={report?.source?.remoteAddress ?? '–'} />
            <Fact
              name="Placed"
              value={
                capture
                  ? captureInWords(capture)
                  : 'by its arrival, since the feed does not tell when it captured'
              }
            />
            <Fact name="Ingest" value={stream.ingest.protocol} />
            <Fact
              name="Transcoded on"
              value={report?.hardware === 'nvidia' ? 'GPU' : (report?.hardware?.toUpperCase() ?? '–')}
            />
            <Fact
              name="Latency"
              value="SRT's buffer, and from the last frame of a part to its announcement; players add their own"
            />
            <Fact name="Output" value={`H.264 640x360, ${stream.frameRate} fps, and AAC`} />
            <Fact
              name="Watched"
              value={stream.access === 'open' ? 'by everybody with the link' : 'with a ticket'}
            />
            <Fact name="Recorded" value={stream.record ? 'yes' : 'no'} />
            <Fact name="Id" value={stream.id} />
          </dl>
        </div>
      </div>
      <MetricsPanel streamId={streamId} />
      {stream.record && <RecordingsPanel streamId={streamId} isRunning={isRunningState(stream.state)} />}
      <section class="card" aria-labelledby="history-title">
        <h3 id="history-title">History</h3>
        {detail ? <HistoryTable history={detail.history} /> : <p class="quiet">{problem ?? 'Loading…'}</p>}
      </section>
    </article>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

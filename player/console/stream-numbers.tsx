/** What a stream does now, in numbers. */
import type { ListedStream } from '../../domain/control/api.ts';
import type { Health } from './health.ts';
import { runnerReport } from './runner-report.ts';
import { useConsole } from './state-context.ts';
import { bitrateInWords, durationInWords } from './words.ts';

export function StreamNumbers({
  stream,
  health,
}: {
  readonly stream: ListedStream;
  readonly health: Health | undefined;
}) {
  const state = useConsole();
  const report = runnerReport(stream.runner);
  const { ingestBitrateBps } = report?.counters ?? {};
  const viewers = state.capacity.value?.viewers.perStream[stream.id] ?? 0;
  return (
    <dl class="numbers">
      <Fact name="Ingest" value={bitrateInWords(ingestBitrateBps)} />
      <Fact
        name="Errors, 1 min"
        value={report ? String(health?.errorCount ?? 0) : '–'}
        isBad={(health?.errorCount ?? 0) > 0}
      />
      <Fact
        name={stream.state === 'live' ? 'Live for' : 'For'}
        value={durationInWords(state.nowMs.value - Date.parse(stream.since))}
      />
      <Fact
        name="Viewers"
        value={viewers === 0 && stream.access === 'open' ? 'uncounted' : String(viewers)}
      />
      <Fact name="Latency" value={latencyInWords(stream)} />
    </dl>
  );
}

function Fact({
  name,
  value,
  isBad = false,
}: {
  readonly name: string;
  readonly value: string;
  readonly isBad?: boolean;
}) {
  return (
    <div class={isBad ? 'bad' : ''}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** What is added on the way to the edge: the receive buffer of SRT, and from a part's last frame to its announcement. */
function latencyInWords(stream: ListedStream): string {
  const { partLatencyMs } = runnerReport(stream.runner)?.counters ?? {};
  if (partLatencyMs === undefined || stream.state !== 'live') return '–';
  const { latencyMs } = stream.ingest;
  const ingestMs = typeof latencyMs === 'number' ? latencyMs : 0;
  return `${ingestMs + Math.round(partLatencyMs)} ms`;
}

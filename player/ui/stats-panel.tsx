/** How the feeds are doing: the numbers of the last two minutes, of one pane or of all. */
import { useState } from 'preact/hooks';
import type { PlayerState } from './player-state.ts';
import { Plot } from './plot.tsx';

type Scope = 'all' | 'focus';

export function StatsPanel({ state }: { readonly state: PlayerState }) {
  const [scope, setScope] = useState<Scope>('all');
  // A new sample, once a second.
  void state.sampleCount.value;
  const focusId = state.focusId.value;
  const ids = scope === 'all' ? state.shownIds.value : focusId === undefined ? [] : [focusId];
  const feeds = ids.map((id) => ({ id, name: state.nameOf(id) }));
  const { history } = state;
  const summed = scope === 'all' && feeds.length > 1;
  return (
    <aside class="stats" aria-label="Statistics">
      <fieldset class="scope" aria-label="Of which feeds">
        <button type="button" aria-pressed={scope === 'all'} onClick={() => setScope('all')}>
          All feeds
        </button>
        <button type="button" aria-pressed={scope === 'focus'} onClick={() => setScope('focus')}>
          {focusId === undefined ? 'One feed' : state.nameOf(focusId)}
        </button>
      </fieldset>
      <Plot label="Latency, glass to glass" unit="ms" series={history.lines('latencyMs', feeds)} />
      {summed && <Plot label="Skew between the feeds" unit="ms" series={[history.skew('Skew')]} />}
      <Plot label="Buffer" unit="ms" series={history.lines('bufferMs', feeds)} />
      <Plot
        label={summed ? 'Bitrate, all feeds' : 'Bitrate'}
        unit="kbit/s"
        series={summed ? [history.total('bitrateKbps', 'All')] : history.lines('bitrateKbps', feeds)}
      />
      <Plot
        label={summed ? 'Requests per second, all feeds' : 'Requests per second'}
        unit=""
        digits={1}
        series={summed ? [history.total('requestsPerS', 'All')] : history.lines('requestsPerS', feeds)}
      />
      <Plot label="Dropped frames" unit="" series={history.lines('droppedFrameCount', feeds)} />
      <Plot label="Stalls" unit="" series={history.lines('stallCount', feeds)} />
    </aside>
  );
}

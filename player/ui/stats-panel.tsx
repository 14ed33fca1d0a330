/** How the feeds are doing: the numbers of the last two minutes, of one pane or of all together. */
import { useState } from 'preact/hooks';
import { CAPTURE_TO_GRID_MS } from '../../domain/profile.ts';
import type { Pane } from '../pane.ts';
import type { StatsSeriesName } from '../stats.ts';
import type { Wall } from '../wall.ts';
import type { PlayerState } from './player-state.ts';
import { Plot } from './plot.tsx';
import type { PlotSeries } from './plot-data.ts';
import { combined, lineOf, spreadOf, sumOf } from './stats-lines.ts';

export type StatsWall = Pick<Wall, 'panes' | 'sound'>;

type Scope = 'all' | 'focus';

const KBPS_PER_BPS = 0.001;

export function StatsPanel({ state, wall }: { readonly state: PlayerState; readonly wall: StatsWall }) {
  const [scope, setScope] = useState<Scope>('all');
  // Once a second.
  void state.sampleCount.value;
  const focusId = state.focusId.value;
  const focusName = focusId === undefined ? 'One feed' : state.nameOf(focusId);
  return (
    <aside class="stats" aria-label="Statistics">
      <fieldset class="scope" aria-label="Of which feeds">
        <button type="button" aria-pressed={scope === 'all'} onClick={() => setScope('all')}>
          All feeds
        </button>
        <button type="button" aria-pressed={scope === 'focus'} onClick={() => setScope('focus')}>
          {focusName}
        </button>
      </fieldset>
      {scope === 'all' ? (
        <AllPlots state={state} wall={wall} />
      ) : (
        <PanePlots pane={wall.panes.find(({ streamId }) => streamId === focusId)} name={focusName} />
      )}
      <p class="stats-note">
        {wall.panes.every((pane) => pane.glassToGlassMs !== undefined)
          ? `From glass to glass it is ${CAPTURE_TO_GRID_MS} ms longer, as the cameras’ clocks say.`
          : 'From glass to glass it is longer by what lies before: the camera, its encoder, and the SRT latency of the feed.'}
      </p>
    </aside>
  );
}

function AllPlots({ state, wall }: { readonly state: PlayerState; readonly wall: StatsWall }) {
  const lines = (name: StatsSeriesName, scale = 1) =>
    wall.panes.map((pane) => lineOf(state.nameOf(pane.streamId), pane.stats.series(name), scale));
  // What is heard is downloaded too.
  const withSound = (name: StatsSeriesName, scale = 1): readonly PlotSeries[] => [
    ...lines(name, scale),
    ...(wall.sound ? [lineOf('Sound', wall.sound.stats.series(name), scale)] : []),
  ];
  return (
    <>
      <Plot label="Latency since the feed came in" unit="ms" series={lines('latencyMs')} />
      <Plot
        label="Skew: how far apart the feeds are"
        unit="ms"
        series={[combined('Skew', lines('skewMs'), spreadOf)]}
      />
      <Plot label="Buffer" unit="ms" series={lines('bufferMs')} />
      <Plot
        label="Bitrate in all"
        unit="kbit/s"
        series={[combined('All', withSound('bitrateBps', KBPS_PER_BPS), sumOf)]}
      />
      <Plot
        label="Requests per second in all"
        unit=""
        digits={1}
        series={[combined('All', withSound('requestsPerS'), sumOf)]}
      />
      <Plot
        label="Dropped frames in all"
        unit=""
        series={[combined('All', lines('droppedFrameCount'), sumOf)]}
      />
      <Plot label="Stalls in all" unit="" series={[combined('All', lines('stallCount'), sumOf)]} />
    </>
  );
}

function PanePlots({ pane, name }: { readonly pane: Pane | undefined; readonly name: string }) {
  if (!pane) return <p class="plot-value">This feed is on another page of the layout.</p>;
  const line = (series: StatsSeriesName, scale = 1) => [lineOf(name, pane.stats.series(series), scale)];
  return (
    <>
      <Plot label="Latency since the feed came in" unit="ms" series={line('latencyMs')} />
      <Plot label="Skew to the instant that all share" unit="ms" series={line('skewMs')} />
      <Plot label="Buffer" unit="ms" series={line('bufferMs')} />
      <Plot label="Bitrate" unit="kbit/s" series={line('bitrateBps', KBPS_PER_BPS)} />
      <Plot label="Requests per second" unit="" digits={1} series={line('requestsPerS')} />
      <Plot label="Dropped frames" unit="" series={line('droppedFrameCount')} />
      <Plot label="Stalls" unit="" series={line('stallCount')} />
    </>
  );
}

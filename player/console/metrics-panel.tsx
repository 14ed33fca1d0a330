/** The last hour of a stream in plots. */
import { Plot } from '../ui/plot.tsx';
import { METRIC_PLOTS, metricSeries } from './metric-plots.ts';
import { useConsole } from './state-context.ts';
import { usePolled } from './use-polled.ts';

const EVERY_MS = 10_000;

export function MetricsPanel({ streamId }: { readonly streamId: string }) {
  const state = useConsole();
  const { value: metrics, problem } = usePolled(
    async () => state.api.value?.showMetrics(streamId),
    EVERY_MS,
    streamId,
  );
  return (
    <section class="card" aria-labelledby="metrics-title">
      <h3 id="metrics-title">The last hour</h3>
      {problem && <p class="problem">{problem}</p>}
      {metrics && metrics.atMs.length === 0 && (
        <p class="quiet">Nothing was measured yet. The first values come ten seconds after the start.</p>
      )}
      {metrics && metrics.atMs.length > 0 && (
        <div class="plots">
          {METRIC_PLOTS.map((plot) => (
            <Plot
              key={plot.label}
              label={plot.label}
              unit={plot.unit}
              digits={plot.digits}
              series={metricSeries(plot, metrics, state.nowMs.peek())}
            />
          ))}
        </div>
      )}
    </section>
  );
}

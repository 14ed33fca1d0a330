/** A small plot of values over time, with its newest values in words beside its name. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { colourName, type PlotSeries, plotInWords } from './plot-data.ts';
import type { PlotDrawing } from './plot-drawing.ts';
import { theme } from './theme.ts';

export type { PlotSeries } from './plot-data.ts';

export interface PlotProps {
  readonly label: string;
  /** Written after each value, such as `ms`; empty for plain counts. */
  readonly unit: string;
  readonly series: readonly PlotSeries[];
  readonly heightPx?: number;
  /** Digits after the point. */
  readonly digits?: number;
}

const HEIGHT_PX = 110;
/** Heights are for letters of this size; where those are larger, so are the plots. */
const REM_PX = 15;

export function Plot({ label, unit, series, heightPx = HEIGHT_PX, digits = 0 }: PlotProps) {
  const placeRef = useRef<HTMLDivElement>(null);
  const drawingRef = useRef<PlotDrawing | undefined>(undefined);
  const [state, setState] = useState<'loading' | 'ready' | 'failed'>('loading');
  const withUnit = (value: number) =>
    unit === '' ? value.toFixed(digits) : `${value.toFixed(digits)} ${unit}`;
  const seriesCount = series.length;

  useEffect(() => {
    let gone = false;
    import('./plot-drawing.ts').then(
      ({ PlotDrawing }) => {
        if (gone || !placeRef.current) return;
        drawingRef.current = new PlotDrawing(placeRef.current, { heightPx, seriesCount, digits });
        setState('ready');
      },
      () => setState('failed'),
    );
    return () => {
      gone = true;
      drawingRef.current?.close();
      drawingRef.current = undefined;
      setState('loading');
    };
  }, [seriesCount, heightPx, digits]);
  useEffect(() => drawingRef.current?.show(series), [series, state]);
  useEffect(() => theme.subscribe(() => drawingRef.current?.recolour()), []);

  return (
    <figure class="plot">
      <figcaption class="plot-title">
        <strong>{label}</strong>
        {series.map((one, index) => (
          <Newest key={one.label} series={one} index={index} named={series.length > 1} format={withUnit} />
        ))}
      </figcaption>
      {state === 'failed' ? (
        <p class="plot-value">The plot could not be loaded. The numbers beside its name go on.</p>
      ) : (
        <div
          class="plot-place"
          aria-hidden="true"
          ref={placeRef}
          style={{ height: `${heightPx / REM_PX}rem` }}
        />
      )}
      <p class="unseen">{plotInWords(label, series, withUnit)}</p>
    </figure>
  );
}

function Newest(props: {
  readonly series: PlotSeries;
  readonly index: number;
  readonly named: boolean;
  readonly format: (value: number) => string;
}) {
  const { series, index, named, format } = props;
  const last = series.values.at(-1);
  const text = last === undefined ? '–' : format(last);
  return named ? (
    <span class="plot-value plot-key" style={{ '--key-colour': `var(${colourName(index)})` }}>
      {series.label} {text}
    </span>
  ) : (
    <span class="plot-value">{text}</span>
  );
}

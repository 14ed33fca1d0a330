/**
 * CloudWatch's embedded metric format: a log line that becomes metrics without a call to any API (CloudWatch
 * User Guide, "Specification: Embedded metric format").
 */
export interface EmbeddedMetric {
  /** `mirror/runner`, `mirror/origin`. */
  readonly namespace: string;
  /** Name and value of each dimension. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** Which of the dimensions each copy of the metrics has, by name: `[[], ['stream']]` for all and per stream. */
  readonly dimensionSets: readonly (readonly string[])[];
  /** Names end in their unit: `Ms`, `Bps`, `ByteCount`; what has none is a count. */
  readonly values: Readonly<Record<string, number>>;
}

export function embeddedMetricLine(metric: EmbeddedMetric, nowMs: number): string {
  const { namespace, dimensions, dimensionSets, values } = metric;
  const definitions = Object.keys(values).map((Name) => ({ Name, Unit: unitOf(Name) }));
  const directive = { Namespace: namespace, Dimensions: dimensionSets, Metrics: definitions };
  return `${JSON.stringify({
    _aws: { Timestamp: Math.round(nowMs), CloudWatchMetrics: [directive] },
    ...dimensions,
    ...values,
  })}\n`;
}

function unitOf(name: string): string {
  if (name.endsWith('Ms')) return 'Milliseconds';
  if (name.endsWith('Bps')) return 'Bits/Second';
  if (name.endsWith('ByteCount')) return 'Bytes';
  return 'Count';
}

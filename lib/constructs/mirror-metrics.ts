/** The metrics that runners and origins log, and graphs over all of a kind. */
import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { Environment } from '../config.ts';

export const METRIC_PERIOD = Duration.minutes(1);

/** A line for all that the search finds, such as every stream that reported in the last hours, naming none here. */
export function searchGraph(
  title: string,
  expression: string,
  left?: cloudwatch.YAxisProps,
): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({
    title,
    width: 8,
    height: 6,
    left: [new cloudwatch.MathExpression({ expression, label: '', usingMetrics: {}, period: METRIC_PERIOD })],
    leftYAxis: { min: 0, ...left },
    liveData: true,
  });
}

export function runnerMetric(environment: Environment) {
  return (metricName: string, statistic: string) =>
    new cloudwatch.Metric({
      namespace: 'mirror/runner',
      metricName,
      dimensionsMap: { environment: environment.name },
      statistic,
      period: METRIC_PERIOD,
    });
}

export function originMetric(environment: Environment) {
  return (metricName: string, statistic: string) =>
    new cloudwatch.Metric({
      namespace: 'mirror/origin',
      metricName,
      dimensionsMap: { environment: environment.name },
      statistic,
      period: METRIC_PERIOD,
    });
}

import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import * as budgets from 'aws-cdk-lib/aws-budgets';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { Environment } from '../config.ts';
import { GPU_HOST_NAMESPACE } from '../constructs/gpu-host.ts';
import { logQueries } from '../constructs/log-queries.ts';
import {
  originMetric,
  METRIC_PERIOD as PERIOD,
  runnerMetric,
  searchGraph,
} from '../constructs/mirror-metrics.ts';
import type { BatchStack } from './batch-stack.ts';
import type { ControlStack } from './control-stack.ts';
import type { MediaDeliveryStack } from './media-delivery-stack.ts';
import type { OriginStack } from './origin-stack.ts';
import type { RunnerStack } from './runner-stack.ts';

export interface ObservabilityStackProps extends StackProps {
  readonly environment: Environment;
  readonly runner: RunnerStack;
  readonly origin: OriginStack;
  readonly control: ControlStack;
  readonly media: MediaDeliveryStack;
  readonly batch: BatchStack;
}

interface AlarmDefinition {
  /** Heading of its section in docs/runbook.md. */
  readonly section: string;
  readonly metric: cloudwatch.IMetric;
  readonly threshold: number;
  readonly evaluationPeriods: number;
  readonly comparison?: cloudwatch.ComparisonOperator;
}

const RUNBOOK = 'docs/runbook.md';

/**
 * One dashboard, the alarms that lead into the runbook, a log query for each usual question, and a budget. The
 * first row of the dashboard answers which feed is ill, the second why, the rest whether viewers feel it.
 */
export class ObservabilityStack extends Stack {
  readonly alarmTopic: sns.Topic;

  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props);
    const { environment } = props;
    this.alarmTopic = new sns.Topic(this, 'Alarms', {
      displayName: `mirror ${environment.name} alarms`,
      enforceSSL: true,
    });
    if (environment.alarmEmail)
      this.alarmTopic.addSubscription(new subscriptions.EmailSubscription(environment.alarmEmail));
    this.alarmTopic.grantPublish(new iam.ServicePrincipal('budgets.amazonaws.com'));

    const alarms = this.#alarms(props);
    this.#dashboard(props, alarms);
    this.#queries(props);
    this.#tellOfFailedExports(props.batch);
    this.#budget(environment);
  }

  #alarms({
    environment,
    runner,
    origin,
    control,
    media,
    batch,
  }: ObservabilityStackProps): cloudwatch.Alarm[] {
    const ofRunners = runnerMetric(environment);
    const ofOrigins = originMetric(environment);
    const below = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD;
    const definitions: Record<string, AlarmDefinition> = {
      SignalLost: {
        section: 'A feed lost its signal',
        metric: ofRunners('interrupted', 'Maximum'),
        threshold: 1,
        evaluationPeriods: 1,
      },
      Gaps: {
        section: 'Parts are missing',
        metric: ofRunners('gapCount', 'Sum'),
        threshold: 5,
        evaluationPeriods: 2,
      },
      StoreErrors: {
        section: 'The media store refuses parts',
        metric: ofRunners('storeErrorCount', 'Sum'),
        threshold: 10,
        evaluationPeriods: 2,
      },
      PartLatency: {
        section: 'Parts leave late',
        metric: ofRunners('partLatencyMs', 'p99'),
        threshold: 100,
        evaluationPeriods: 3,
      },
      IngestErrors: {
        section: "A camera's network is bad",
        metric: ofRunners('continuityErrorCount', 'Sum'),
        threshold: 50,
        evaluationPeriods: 3,
      },
      WindowAge: {
        section: 'The origin falls behind',
        metric: ofOrigins('worstWindowAgeMs', 'Maximum'),
        threshold: 2_000,
        evaluationPeriods: 2,
      },
      LateAnswers: {
        section: 'The origin falls behind',
        metric: ofOrigins('expiredHoldCount', 'Sum'),
        threshold: 100,
        evaluationPeriods: 2,
      },
      RefusedWaits: {
        section: 'The origin is full',
        metric: ofOrigins('refusedHoldCount', 'Sum'),
        threshold: 1,
        evaluationPeriods: 1,
      },
      OriginTasks: {
        section: 'The origin is full',
        metric: origin.targetGroup.metrics.healthyHostCount({ period: PERIOD, statistic: 'Minimum' }),
        threshold: environment.origin.minTasks,
        evaluationPeriods: 3,
        comparison: below,
      },
      GpuBusy: {
        section: 'Parts leave late',
        metric: new cloudwatch.Metric({
          namespace: GPU_HOST_NAMESPACE,
          metricName: 'nvidia_smi_utilization_gpu',
          dimensionsMap: { environment: environment.name },
          statistic: 'Maximum',
          period: PERIOD,
        }),
        threshold: 90,
        evaluationPeriods: 5,
      },
      GpuCapacity: {
        section: 'There is no GPU capacity',
        metric: new cloudwatch.Metric({
          namespace: 'AWS/ECS/ManagedScaling',
          metricName: 'CapacityProviderReservation',
          dimensionsMap: {
            CapacityProviderName: runner.capacityProvider.capacityProviderName,
            ClusterName: runner.cluster.clusterName,
          },
          statistic: 'Maximum',
          period: PERIOD,
        }),
        // Above 100 tasks wait for hosts that are not there yet.
        threshold: 101,
        evaluationPeriods: 10,
      },
      ApiErrors: {
        section: 'The control API fails',
        metric: control.api.metricServerError({ period: PERIOD, statistic: 'Sum' }),
        threshold: 5,
        evaluationPeriods: 2,
      },
      ReconcilerErrors: {
        section: 'The registry is not healed',
        metric: control.functions.reconciler.function.metricErrors({ period: PERIOD }),
        threshold: 1,
        evaluationPeriods: 3,
      },
      DeadEvents: {
        section: 'Events of ECS were lost',
        metric: control.eventDeadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
        threshold: 1,
        evaluationPeriods: 1,
      },
      DeadExports: {
        section: 'An export failed',
        metric: batch.deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD }),
        threshold: 1,
        evaluationPeriods: 1,
      },
      DeliveryErrors: {
        section: 'Viewers get errors',
        metric: media.distribution.metric5xxErrorRate({ period: PERIOD, region: 'us-east-1' }),
        threshold: 1,
        evaluationPeriods: 5,
      },
    };
    return Object.entries(definitions).map(
      ([name, { section, metric, threshold, evaluationPeriods, comparison }]) => {
        const alarm = new cloudwatch.Alarm(this, name, {
          alarmName: `mirror-${environment.name}-${name}`,
          alarmDescription: `${section}. What to do: ${RUNBOOK}#${anchorOf(section)}`,
          metric,
          threshold,
          evaluationPeriods,
          comparisonOperator: comparison ?? cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
          // Without feeds there is nothing to measure, and that is no fault.
          treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
        });
        alarm.addAlarmAction(new actions.SnsAction(this.alarmTopic));
        alarm.addOkAction(new actions.SnsAction(this.alarmTopic));
        return alarm;
      },
    );
  }

  #dashboard(
    { environment, runner, origin, control, media }: ObservabilityStackProps,
    alarms: cloudwatch.Alarm[],
  ): void {
    const perStream = (title: string, name: string, statistic: string, left?: cloudwatch.YAxisProps) =>
      searchGraph(
        title,
        `SEARCH('{mirror/runner,environment,stream} MetricName="${name}" environment="${environment.name}"', '${statistic}', 60)`,
        left,
      );
    const perHost = (title: string, name: string) =>
      searchGraph(
        title,
        `SEARCH('{${GPU_HOST_NAMESPACE},environment,host} MetricName="${name}" environment="${environment.name}"', 'Average', 60)`,
      );
    const ofOrigins = originMetric(environment);
    const graph = (title: string, left: cloudwatch.IMetric[]) =>
      new cloudwatch.GraphWidget({ title, width: 8, height: 6, left, leftYAxis: { min: 0 }, liveData: true });
    const dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
      dashboardName: `mirror-${environment.name}`,
      defaultInterval: Duration.hours(1),
      widgets: [
        [new cloudwatch.AlarmStatusWidget({ title: 'What is wrong now', alarms, width: 24, height: 4 })],
        [
          perStream('Which feed is ill: signal lost', 'interrupted', 'Maximum', { max: 1 }),
          perStream('Ingest bitrate by feed', 'ingestBitrateBps', 'Average'),
          perStream('GAPs by feed', 'gapCount', 'Sum'),
        ],
        [
          perStream('Why: continuity errors', 'continuityErrorCount', 'Sum'),
          perStream('Why: frames repeated', 'repeatedFrameCount', 'Sum'),
          perStream('Why: decode errors', 'decodeErrorCount', 'Sum'),
        ],
        [
          perStream('Part latency, ms', 'partLatencyMs', 'p99'),
          perStream('Frames dropped', 'droppedFrameCount', 'Sum'),
          perStream('Store errors', 'storeErrorCount', 'Sum'),
        ],
        [
          perStream('PUT latency, ms', 'putLatencyMs', 'p99'),
          perHost('GPU use by host, %', 'nvidia_smi_utilization_gpu'),
          perHost('Encoder sessions by host', 'nvidia_smi_encoder_stats_session_count'),
        ],
        [
          graph('Origin: requests, and those older than its window', [
            ofOrigins('requestCount', 'Sum'),
            ofOrigins('windowMissCount', 'Sum'),
          ]),
          graph('Origin: waiting, refused, late', [
            ofOrigins('waitingCount', 'Maximum'),
            ofOrigins('refusedHoldCount', 'Sum'),
            ofOrigins('expiredHoldCount', 'Sum'),
          ]),
          graph('Origin: age of the window, ms', [
            ofOrigins('worstWindowAgeMs', 'Maximum'),
            ofOrigins('worstFetchDelayMs', 'Maximum'),
          ]),
        ],
        [
          graph('GPU hosts: CPU and memory taken, %', [
            runner.cluster.metricCpuReservation({ period: PERIOD }),
            runner.cluster.metricMemoryReservation({ period: PERIOD }),
          ]),
          graph('Origin tasks: CPU, %', [origin.service.metricCpuUtilization({ period: PERIOD })]),
          graph('Viewers: requests and errors', [
            media.distribution.metricRequests({ period: PERIOD, region: 'us-east-1' }),
            media.distribution.metricTotalErrorRate({ period: PERIOD, region: 'us-east-1' }),
          ]),
        ],
        [
          graph('API: requests and errors', [
            control.api.metricCount({ period: PERIOD }),
            control.api.metricClientError({ period: PERIOD }),
            control.api.metricServerError({ period: PERIOD }),
          ]),
          graph('API: latency, ms', [control.api.metricLatency({ period: PERIOD, statistic: 'p99' })]),
          graph(
            'Functions: errors',
            Object.values(control.functions).map(({ function: target }) =>
              target.metricErrors({ period: PERIOD }),
            ),
          ),
        ],
      ],
    });
    new CfnOutput(this, 'DashboardUrl', {
      value: `https://${this.region}.console.aws.amazon.com/cloudwatch/home?region=${this.region}#dashboards:name=${dashboard.dashboardName}`,
    });
  }

  #queries({ environment, runner, origin, control, batch }: ObservabilityStackProps): void {
    const queries = logQueries({
      runner: runner.logGroup,
      origin: origin.logGroup,
      exports: batch.logGroup,
      reconciler: control.functions.reconciler.function.logGroup,
      functions: Object.values(control.functions).map(({ function: target }) => target.logGroup),
    });
    for (const [name, { groups, lines }] of Object.entries(queries)) {
      new logs.CfnQueryDefinition(this, name, {
        name: `mirror/${environment.name}/${name}`,
        logGroupNames: groups.map((group) => group.logGroupName),
        queryString: `fields @timestamp, @message | ${lines}`,
      });
    }
  }

  /** Batch has no metric of failed jobs, but an event for each (AWS Batch User Guide, "Batch EventBridge events"). */
  #tellOfFailedExports({ queue }: BatchStack): void {
    const section = 'An export failed';
    new events.Rule(this, 'FailedExports', {
      description: section,
      eventPattern: {
        source: ['aws.batch'],
        detailType: ['Batch Job State Change'],
        detail: { status: ['FAILED'], jobQueue: [queue.jobQueueArn] },
      },
      targets: [
        new targets.SnsTopic(this.alarmTopic, {
          message: events.RuleTargetInput.fromText(
            `${section}: job ${events.EventField.fromPath('$.detail.jobId')}, ${events.EventField.fromPath('$.detail.statusReason')}. What to do: ${RUNBOOK}#${anchorOf(section)}`,
          ),
        }),
      ],
    });
  }

  #budget(environment: Environment): void {
    new budgets.CfnBudget(this, 'Budget', {
      budget: {
        budgetName: `mirror-${environment.name}`,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: environment.budgetUsdPerMonth, unit: 'USD' },
        costFilters: { TagKeyValue: [`user:environment$${environment.name}`] },
      },
      notificationsWithSubscribers: [
        { threshold: 80, notificationType: 'ACTUAL' },
        { threshold: 100, notificationType: 'FORECASTED' },
      ].map(({ threshold, notificationType }) => ({
        notification: {
          comparisonOperator: 'GREATER_THAN',
          notificationType,
          threshold,
          thresholdType: 'PERCENTAGE',
        },
        subscribers: [{ subscriptionType: 'SNS', address: this.alarmTopic.topicArn }],
      })),
    });
  }
}

/** As Markdown renders a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}

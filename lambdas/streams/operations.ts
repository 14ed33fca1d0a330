/** What operators look at while streams run: the last hour, where the encoder sends to, and what is left. */

import { controlErrors } from '../../domain/control/errors.ts';
import type { IngestSlot } from '../../domain/control/ingest-slot.ts';
import { type IngestTarget, ingestTargetOf } from '../../domain/control/launch.ts';
import type { CapacityView, SampleSeries, StreamMetricsView } from '../../domain/control/operations-api.ts';
import { SAMPLE_SERIES } from '../../domain/control/operations-api.ts';
import type {
  RunnerStatusRegistry,
  SessionRegistry,
  SlotRegistry,
  StreamRegistry,
  StreamSampleRegistry,
} from '../../domain/control/registry.ts';
import type { SecretStore } from '../../domain/control/secrets.ts';
import type { StreamRecord } from '../../domain/control/stream-record.ts';
import { SAMPLE_LIMITS, type StreamSample } from '../../domain/control/stream-sample.ts';
import type { CostEnvironment } from '../../domain/cost/environment.ts';
import { costLines, gpuHostCount, type Plan, totalUsdPerHour } from '../../domain/cost/model.ts';
import { PRICES_AS_OF, PRICES_REGION } from '../../domain/cost/prices.ts';
import { REQUESTS_PER_SECOND } from '../../domain/delivery.ts';
import type { RunnerStatus } from '../../domain/stream.ts';
import type { Clock } from '../../domain/timeline.ts';

/** What the sums are made with. */
export interface CapacitySettings {
  readonly environment: CostEnvironment;
  /** On one machine: its CPUs, and the share of them that is busy. Absent on AWS. */
  readonly machine?: () => { readonly cpuCount: number; readonly loadShare: number };
}

export interface StreamOperationsDependencies {
  readonly registry: StreamRegistry &
    SlotRegistry &
    RunnerStatusRegistry &
    StreamSampleRegistry &
    Pick<SessionRegistry, 'countViewers'>;
  readonly secrets: Pick<SecretStore, 'get'>;
  readonly slots: readonly IngestSlot[];
  readonly clock: Clock;
  readonly viewerCountMax: number;
  readonly capacity: CapacitySettings;
}

/** CloudFront's tiers are monthly: the planner's own assumption. */
const HOURS_PER_MONTH = 100;

export class StreamOperations {
  readonly #dependencies: StreamOperationsDependencies;

  constructor(dependencies: StreamOperationsDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws MirrorError `CONTROL_STREAM_NOT_FOUND` */
  async metrics(streamId: string): Promise<StreamMetricsView> {
    const { registry, clock } = this.#dependencies;
    const [samples] = await Promise.all([registry.listSamples(streamId), this.#record(streamId)]);
    // A stream that is silent for a while keeps its older samples; an hour is an hour.
    const fromMs = clock.nowMs() - SAMPLE_LIMITS.intervalMs * SAMPLE_LIMITS.countMax;
    return metricsView(
      streamId,
      samples.filter(({ atMs }) => atMs >= fromMs),
    );
  }

  /** @throws MirrorError `CONTROL_STREAM_NOT_FOUND` */
  async target(streamId: string): Promise<{ target?: IngestTarget }> {
    const { secrets, slots } = this.#dependencies;
    const record = await this.#record(streamId);
    const slot = record.run && slots[record.run.slotIndex];
    if (!record.run || !slot) return {};
    const { secretId } = record.run;
    const passphrase = secretId === undefined ? undefined : await secrets.get(secretId);
    const target = ingestTargetOf(record, slot, passphrase);
    return target ? { target } : {};
  }

  async capacity(): Promise<CapacityView> {
    const { registry, slots, clock, viewerCountMax } = this.#dependencies;
    const [holders, viewers] = await Promise.all([
      registry.listSlots(),
      registry.countViewers(clock.nowMs()),
    ]);
    const statuses = await Promise.all(holders.map(({ streamId }) => registry.getStatus(streamId)));
    const paneCount = Object.values(viewers.perStream).reduce((sum, count) => sum + count, 0);
    const plan = this.#plan({ feedCount: holders.length, statuses, ...viewers, paneCount });
    return {
      slots: {
        count: slots.length,
        usedCount: holders.length,
        holders: holders.map(({ slotIndex, streamId }) => ({ slotIndex, streamId })),
      },
      runners: {
        onGpuCount: statuses.filter((status) => status?.hardware === 'nvidia').length,
        onCpuCount: statuses.filter((status) => status?.hardware === 'cpu').length,
      },
      hosts: this.#hosts(plan),
      viewers: { ...viewers, viewerCountMax, paneCount },
      cost: this.#cost(plan),
    };
  }

  #plan(now: {
    feedCount: number;
    statuses: readonly (RunnerStatus | undefined)[];
    viewerCount: number;
    paneCount: number;
  }): Plan {
    const ingestBps = now.statuses.reduce((sum, status) => sum + (status?.counters.ingestBitrateBps ?? 0), 0);
    return {
      environment: this.#dependencies.capacity.environment,
      feedCount: now.feedCount,
      viewerCount: now.viewerCount,
      panesPerViewer: now.viewerCount === 0 ? 0 : now.paneCount / now.viewerCount,
      delivery: 'lowest-latency',
      engine: 'clock-mse',
      ingestBps: now.feedCount === 0 ? 0 : ingestBps / now.feedCount,
      hoursPerMonth: HOURS_PER_MONTH,
    };
  }

  #hosts(plan: Plan): CapacityView['hosts'] {
    const { machine } = this.#dependencies.capacity;
    if (machine) return { kind: 'machine', ...machine() };
    const { gpu } = plan.environment;
    return {
      kind: 'gpu-hosts',
      instanceType: gpu.instanceType,
      hostCount: gpuHostCount(plan),
      hostCountMax: gpu.maxInstances,
      feedsPerHost: gpu.feedsPerInstance,
    };
  }

  #cost(plan: Plan): CapacityView['cost'] {
    const isPaid = this.#dependencies.capacity.machine === undefined;
    const lines = costLines(plan);
    const feeds = `Feeds: ${plan.feedCount}, of ${(plan.ingestBps / 1e6).toFixed(1)} Mbps on average, as measured now.`;
    const perPane = REQUESTS_PER_SECOND[plan.engine][plan.delivery];
    return {
      environment: plan.environment.name,
      isPaid,
      usdPerHour: totalUsdPerHour(lines),
      lines,
      assumptions: [
        ...(isPaid
          ? []
          : [
              `Nothing here is paid by the hour: it is what the same would cost on AWS in the environment ${plan.environment.name}.`,
            ]),
        `List prices of ${PRICES_REGION} as of ${PRICES_AS_OF}, on demand, without discounts and taxes.`,
        feeds,
        `Viewers: ${plan.viewerCount}, with ${plan.panesPerViewer.toFixed(1)} panes each, by their sessions; who watches open streams has none and is not counted.`,
        `Every pane plays with mirror's own engine: ${perPane} requests/s, and the sound of one pane.`,
        `CloudFront's monthly tiers at ${plan.hoursPerMonth} such hours a month.`,
      ],
    };
  }

  async #record(streamId: string): Promise<StreamRecord> {
    const found = await this.#dependencies.registry.getStream(streamId);
    if (!found) throw controlErrors.create('STREAM_NOT_FOUND', `Its id would be "${streamId}".`);
    return found.record;
  }
}

function metricsView(streamId: string, samples: readonly StreamSample[]): StreamMetricsView {
  const column = (name: SampleSeries) => samples.map((sample) => sample[name]);
  return {
    streamId,
    intervalMs: SAMPLE_LIMITS.intervalMs,
    atMs: samples.map(({ atMs }) => atMs),
    states: samples.map(({ state }) => state),
    // Object.fromEntries forgets that every name is there.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    series: Object.fromEntries(
      SAMPLE_SERIES.map((name) => [name, column(name)]),
    ) as StreamMetricsView['series'],
  };
}

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { anchorOf } from '../../../lib/stacks/observability-stack.ts';
import { readSources } from '../architecture/sources.ts';
import { type Resource, resourcesOf, synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 120_000;

describe('observability of prod', () => {
  let resources: Resource[] = [];
  const runbook = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
  const anchors = [...runbook.matchAll(/^## (.+)$/gm)].map((match) => anchorOf(match[1] ?? ''));

  beforeAll(() => {
    resources = resourcesOf(synthesized('prod').assembly);
  }, SYNTH_TIMEOUT_MS);

  test('every alarm leads to a section of the runbook that is there, and tells somebody', () => {
    const alarms = resources.filter(({ type }) => type === 'AWS::CloudWatch::Alarm');
    const ours = alarms.filter(({ stack }) => stack === 'prod-observability');
    expect(ours.length).toBeGreaterThanOrEqual(14);
    for (const { id, properties } of ours) {
      const anchor = /docs\/runbook\.md#(\S+)$/.exec(String(properties['AlarmDescription']))?.[1];
      expect(anchors, id).toContain(anchor);
      expect(properties['AlarmActions'], id).toHaveLength(1);
    }
  });

  test('there is one dashboard, and it searches streams instead of naming them', () => {
    const dashboards = resources.filter(({ type }) => type === 'AWS::CloudWatch::Dashboard');
    expect(dashboards).toHaveLength(1);
    expect(JSON.stringify(dashboards[0]?.properties)).toContain('{mirror/runner,environment,stream}');
  });

  test('a budget warns before the month is spent', () => {
    const budget = resources.find(({ type }) => type === 'AWS::Budgets::Budget');
    expect(budget?.properties['NotificationsWithSubscribers']).toHaveLength(2);
  });

  test('each usual question has a log query', () => {
    const queries = resources.filter(({ type }) => type === 'AWS::Logs::QueryDefinition');
    expect(queries.map(({ properties }) => String(properties['Name']).split('/').at(-1))).toEqual([
      'what-happened-to-a-stream',
      'why-senders-were-refused',
      'runners-that-restarted',
      'why-a-feed-was-interrupted',
      'parts-that-the-store-refused',
      'recordings-that-lost-something',
      'exports-that-failed',
      'what-the-reconciler-healed',
      'calls-that-were-refused',
      'origin-failures',
      'slow-api-calls',
    ]);
    for (const { properties } of queries) expect(properties['LogGroupNames']).not.toEqual([]);
  });

  test('a query names only events that the code logs', () => {
    const queries = resources.filter(({ type }) => type === 'AWS::Logs::QueryDefinition');
    const named = queries.flatMap(({ properties }) => {
      const [, list = ''] =
        /filter (?:event|message) (?:=|in) (\[[^\]]*\]|'[^']*')/.exec(String(properties['QueryString'])) ??
        [];
      return [...list.matchAll(/'([^']+)'/g)].map((match) => match[1] ?? '');
    });
    expect(named).toContain('runner-started');
    const sources = readSources(['gpu-runner', 'origin', 'lambdas', 'adapters']).map(({ path }) =>
      readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'),
    );
    const unknown = named.filter((event) => !sources.some((source) => source.includes(`'${event}'`)));
    expect(unknown).toEqual([]);
  });

  test('the dashboard shows what issue by issue an operator asks for: feed, network, store, GPU, origin, API', () => {
    const body = JSON.stringify(
      resources.find(({ type }) => type === 'AWS::CloudWatch::Dashboard')?.properties,
    );
    for (const metric of [
      'ingestBitrateBps',
      'continuityErrorCount',
      'repeatedFrameCount',
      'droppedFrameCount',
      'partLatencyMs',
      'putLatencyMs',
      'gapCount',
      'nvidia_smi_utilization_gpu',
      'waitingCount',
      'expiredHoldCount',
      'worstWindowAgeMs',
      'windowMissCount',
    ])
      expect(body, metric).toContain(metric);
  });

  test('GPU hosts measure their GPU under the name that the dashboard asks for', () => {
    const template = resources.find(
      ({ type, stack }) => type === 'AWS::EC2::LaunchTemplate' && stack === 'prod-runner',
    );
    const userData = JSON.stringify(template?.properties);
    expect(userData).toContain('utilization_gpu');
    expect(userData).toContain('mirror/gpu-host');
    expect(userData).toContain('net.core.rmem_max=16777216');
  });
});

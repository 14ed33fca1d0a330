import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { anchorOf } from '../../../lib/stacks/observability-stack.ts';
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
    expect(
      queries
        .map(({ properties }) => String(properties['Name']).split('/').at(-1) ?? '')
        .sort((a, b) => a.localeCompare(b)),
    ).toEqual([
      'origin-failures',
      'runners-that-restarted',
      'slow-api-calls',
      'what-happened-to-a-stream',
      'why-senders-were-refused',
    ]);
  });
});

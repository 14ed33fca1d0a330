/** `npm run cost`: what an environment costs per hour for an audience, and which quotas that passes. */
import { parseArgs } from 'node:util';
import {
  costLines,
  ivsUsdPerHour,
  mediaLiveUsdPerHour,
  type Plan,
  quotaUses,
  totalUsdPerHour,
} from '../domain/cost/model.ts';
import { PRICES_AS_OF, PRICES_REGION } from '../domain/cost/prices.ts';
import { DELIVERY_MODES, type DeliveryMode, ENGINES, type Engine } from '../domain/delivery.ts';
import { ENVIRONMENTS, loadEnvironment } from '../lib/config.ts';

const USAGE = `npm run cost -- [--env ${Object.keys(ENVIRONMENTS).join('|')}] [--viewers 5000] [--panes 6] [--feeds 25]
  [--delivery ${DELIVERY_MODES.join('|')}] [--engine ${ENGINES.join('|')}] [--ingest-mbps 50] [--hours-per-month 100] [--json]`;

function readPlan(): { plan: Plan; json: boolean } {
  const { values } = parseArgs({
    options: {
      env: { type: 'string', default: 'prod' },
      viewers: { type: 'string' },
      panes: { type: 'string', default: '6' },
      feeds: { type: 'string' },
      delivery: { type: 'string', default: 'balanced' },
      engine: { type: 'string', default: 'clock-mse' },
      'ingest-mbps': { type: 'string', default: '50' },
      'hours-per-month': { type: 'string', default: '100' },
      json: { type: 'boolean', default: false },
    },
  });
  const environment = loadEnvironment(values.env);
  const number = (name: string, text: string, min: number, max: number) => {
    const value = Number(text);
    if (!Number.isFinite(value) || value < min || value > max)
      throw new Error(`--${name} must be a number from ${min} to ${max}, not "${text}".`);
    return value;
  };
  const oneOf = <T extends string>(name: string, text: string, allowed: readonly T[]): T => {
    const found = allowed.find((item) => item === text);
    if (found === undefined)
      throw new Error(`--${name} must be one of ${allowed.join(', ')}, not "${text}".`);
    return found;
  };
  return {
    json: values.json,
    plan: {
      environment,
      viewerCount: number('viewers', values.viewers ?? String(environment.viewers.limit), 0, 100_000_000),
      panesPerViewer: number('panes', values.panes, 1, 6),
      feedCount: number(
        'feeds',
        values.feeds ?? String(environment.ingest.slotCount),
        0,
        environment.ingest.slotCount,
      ),
      delivery: oneOf<DeliveryMode>('delivery', values.delivery, DELIVERY_MODES),
      engine: oneOf<Engine>('engine', values.engine, ENGINES),
      ingestBps: number('ingest-mbps', values['ingest-mbps'], 0.1, 100) * 1e6,
      hoursPerMonth: number('hours-per-month', values['hours-per-month'], 1, 744),
    },
  };
}

const dollars = (usd: number) =>
  `$${usd.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;

function print(plan: Plan): void {
  const out = (line = '') => process.stdout.write(`${line}\n`);
  const lines = costLines(plan);
  out(
    `${plan.environment.name}: ${plan.feedCount} feeds, ${plan.viewerCount.toLocaleString('en')} viewers of ` +
      `${plan.panesPerViewer} panes, ${plan.delivery} with ${plan.engine}`,
  );
  out(`List prices of ${PRICES_REGION} as of ${PRICES_AS_OF}; domain/cost/prices.ts has their sources.\n`);
  for (const { service, usdPerHour, how } of lines)
    out(`  ${service.padEnd(22)} ${dollars(usdPerHour).padStart(12)} /h   ${how}`);
  out(`  ${'Total'.padEnd(22)} ${dollars(totalUsdPerHour(lines)).padStart(12)} /h\n`);

  out('The same audience otherwise:');
  for (const engine of ENGINES)
    for (const delivery of DELIVERY_MODES) {
      const other = totalUsdPerHour(costLines({ ...plan, engine, delivery }));
      out(`  ${`${delivery}, ${engine}`.padEnd(34)} ${dollars(other).padStart(12)} /h`);
    }
  out(
    `  ${'MediaLive + MediaPackage'.padEnd(34)} ${dollars(mediaLiveUsdPerHour(plan)).padStart(12)} /h   at 3 s or more behind`,
  );
  out(
    `  ${'IVS low latency'.padEnd(34)} ${dollars(ivsUsdPerHour(plan)).padStart(12)} /h   each pane counts as a viewer\n`,
  );

  out('Quotas:');
  for (const { quota, need, limit, source } of quotaUses(plan)) {
    const verdict = need > limit ? 'TOO LOW: have it raised' : 'enough';
    out(
      `  ${quota.padEnd(22)} ${need.toLocaleString('en', { maximumFractionDigits: 1 }).padStart(12)} of ${limit.toLocaleString('en').padEnd(8)} ${verdict} (${source})`,
    );
  }
}

try {
  const { plan, json } = readPlan();
  if (json) {
    const lines = costLines(plan);
    const answer = {
      plan: { ...plan, environment: plan.environment.name },
      lines,
      totalUsdPerHour: totalUsdPerHour(lines),
      quotas: quotaUses(plan),
    };
    process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  } else print(plan);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}

/** The control plane: what its functions weigh and how they start, and how many viewers one core serves. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import * as z from 'zod';
import type { ControlPlane } from '../lambdas/control-plane.ts';
import { FUNCTION_FOLDERS } from '../lib/constructs/function-bundling.ts';
import { apiEvent, atRate, controlOverRedis } from './control-load.ts';
import { bundleFunction } from './function-bundle.ts';
import { startRedis } from './redis.ts';
import type { Bench, BenchContext, BenchOutcome, Measure } from './result.ts';
import { percentile, summarize } from './statistics.ts';

const INIT_RUN_COUNT = 7;
/** 1 MB is 2^20 bytes here. */
const BUNDLE_AT_MOST_KB = 1_048.576;

const SESSION_COUNT = 5_000;
const STREAMS_PER_SESSION = 6;
const CREATES_PER_SECOND = 500;
const RENEW_EVERY_S = 60;
const RENEW_SECONDS = 30;
const QUICK_RENEW_SECONDS = 6;

/** Targets: issue "the control plane". */
export const controlBenches: readonly Bench[] = [
  {
    name: 'control-functions',
    title: 'Control plane: what each Lambda weighs, and how long its code takes to load',
    run: measureFunctions,
  },
  {
    name: 'control-sessions',
    title: 'Control plane: 5,000 sessions of 6 streams over one Redis',
    run: measureSessions,
  },
];

async function measureFunctions(context: BenchContext): Promise<BenchOutcome> {
  const directory = await mkdtemp(join(tmpdir(), 'mirror-bench-lambdas-'));
  const measures: Measure[] = [];
  try {
    for (const name of FUNCTION_FOLDERS) {
      context.say(`bundling ${name}`);
      const [minified, readable] = await Promise.all([
        bundleFunction(name, { minify: true }),
        bundleFunction(name, { minify: false }),
      ]);
      const file = join(directory, `${name}.mjs`);
      await writeFile(file, minified);
      measures.push(
        {
          what: `${name}: bundle`,
          value: minified.byteLength / 1_000,
          unit: 'kB',
          atMost: BUNDLE_AT_MOST_KB,
        },
        {
          what: `${name}: the same, not minified`,
          value: readable.byteLength / 1_000,
          unit: 'kB',
          atMost: BUNDLE_AT_MOST_KB,
        },
        { what: `${name}: init, median of ${INIT_RUN_COUNT}`, value: await initMs(file), unit: 'ms' },
      );
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return {
    measures,
    notes: [
      'A bundle holds everything, the AWS SDK included; it is built with the options of the deployment, which minify.',
      'Not minified, the four that speak to Redis are over the target, and why that stays: docs/decisions/sdk-in-the-bundle.md.',
      'Init is the import of the bundle in a fresh Node process on this machine, as Lambda does it in its init phase.',
    ],
  };
}

async function initMs(file: string): Promise<number> {
  const program = `const t = performance.now(); await import(${JSON.stringify(file)}); console.log(performance.now() - t); process.exit(0);`;
  const durationsMs: number[] = [];
  for (let run = 0; run < INIT_RUN_COUNT; run++) {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, AWS_REGION: 'eu-west-1', NODE_NO_WARNINGS: '1' },
    });
    durationsMs.push(Number(stdout.trim().split('\n').at(-1)));
  }
  return percentile(durationsMs, 50);
}

const openedSchema = z.object({ sessionId: z.string(), sessionToken: z.string() });

async function measureSessions(context: BenchContext): Promise<BenchOutcome> {
  const redis = await startRedis();
  const { plane, registry, streamIds } = await controlOverRedis(redis.socketPath);
  const probe = new Redis(redis.socketPath);
  try {
    const emptyBytes = await usedBytes(probe);
    context.say(`${SESSION_COUNT} tickets`);
    const tickets: string[] = [];
    for (let index = 0; index < SESSION_COUNT; index++)
      tickets.push(
        (await plane.viewers.issueTicket({ viewerId: `viewer-${index}`, streams: '*', ttlS: 600 })).ticket,
      );

    context.say(`one second of warm-up, then ${SESSION_COUNT} sessions at ${CREATES_PER_SECOND}/s`);
    await warmUp(plane, streamIds);
    const sessions: z.output<typeof openedSchema>[] = [];
    const createCpu = await cpuMeter(redis);
    const createMs = await atRate({ count: SESSION_COUNT, perSecond: CREATES_PER_SECOND }, async (index) => {
      const streams = Array.from(
        { length: STREAMS_PER_SESSION },
        (_, pane) => streamIds[(index + pane) % streamIds.length],
      );
      const event = apiEvent('POST', '/v1/viewer-sessions', { ticket: tickets[index], streams });
      const result = await plane.api.handle(event);
      if (result.statusCode !== 201) throw new Error(`a session was refused: ${result.body}`);
      sessions.push(openedSchema.parse(JSON.parse(result.body ?? '')));
    });
    const createUse = await createCpu();
    const sessionBytes = (await usedBytes(probe)) - emptyBytes;

    const perSecond = SESSION_COUNT / RENEW_EVERY_S;
    const seconds = context.quick ? QUICK_RENEW_SECONDS : RENEW_SECONDS;
    context.say(`renewals at ${perSecond.toFixed(0)}/s for ${seconds} s`);
    const renewCpu = await cpuMeter(redis);
    const renew = async (index: number) => {
      const session = sessions[index % sessions.length];
      const path = `/v1/viewer-sessions/${session?.sessionId}/renew`;
      const result = await plane.api.handle(apiEvent('POST', path, {}, session?.sessionToken));
      if (result.statusCode !== 200) throw new Error(`a renewal was refused: ${result.body}`);
    };
    const renewMs = await atRate({ count: Math.floor(perSecond * seconds), perSecond }, renew);
    const renewUse = await renewCpu();
    const { viewerCount } = await registry.countViewers(Date.now());

    const create = summarize(createMs);
    const renewed = summarize(renewMs);
    return {
      measures: [
        { what: `session create at ${CREATES_PER_SECOND}/s, p50`, value: create.p50, unit: 'ms' },
        { what: `session create at ${CREATES_PER_SECOND}/s, p99`, value: create.p99, unit: 'ms', atMost: 15 },
        { what: 'creating: CPU of API and load', value: createUse.processPercent, unit: '% of a core' },
        { what: 'creating: CPU of Redis', value: createUse.redisPercent, unit: '% of a core' },
        { what: 'viewers admitted', value: viewerCount, unit: '', atLeast: SESSION_COUNT },
        { what: 'renewal, p99', value: renewed.p99, unit: 'ms' },
        {
          what: 'renewing every 60 s: CPU of API, Redis and load together',
          value: renewUse.processPercent + renewUse.redisPercent,
          unit: '% of a core',
          atMost: 100,
        },
        { what: 'renewing: CPU of Redis alone', value: renewUse.redisPercent, unit: '% of a core' },
        { what: 'Redis memory of 5,000 sessions with their tickets', value: sessionBytes / 1e6, unit: 'MB' },
        { what: 'Redis memory per session', value: sessionBytes / SESSION_COUNT, unit: 'B' },
      ],
      notes: [
        'Requests are events handed to the API in this process; each leaves at its own moment, and its time counts from there.',
        'A create verifies a ticket, checks six streams, runs one script in Redis, and answers six signed URLs. Signatures that end in the same minute are shared by all viewers of a stream.',
      ],
    };
  } finally {
    probe.disconnect();
    await registry.close();
    await redis.close();
  }
}

/** A process that has answered before: its code is compiled, and this minute's signatures are made. */
async function warmUp({ api, viewers }: ControlPlane, streamIds: readonly string[]): Promise<void> {
  await atRate({ count: CREATES_PER_SECOND, perSecond: CREATES_PER_SECOND }, async (index) => {
    const viewerId = `warm-up-${index}`;
    const { ticket } = await viewers.issueTicket({ viewerId, streams: '*', ttlS: 60 });
    const streams = [streamIds[index % streamIds.length]];
    const opened = await api.handle(apiEvent('POST', '/v1/viewer-sessions', { ticket, streams }));
    const { sessionId, sessionToken } = openedSchema.parse(JSON.parse(opened.body ?? ''));
    await api.handle(apiEvent('DELETE', `/v1/viewer-sessions/${sessionId}`, {}, sessionToken));
  });
}

/** @returns a function that says how much of a core this process and Redis have used since. */
async function cpuMeter(redis: { cpuMs(): Promise<number> }) {
  const startedAtMs = performance.now();
  const processBefore = process.cpuUsage();
  const redisBeforeMs = await redis.cpuMs();
  return async () => {
    const elapsedMs = performance.now() - startedAtMs;
    const { user, system } = process.cpuUsage(processBefore);
    return {
      processPercent: (user + system) / 10 / elapsedMs,
      redisPercent: (((await redis.cpuMs()) - redisBeforeMs) * 100) / elapsedMs,
    };
  };
}

async function usedBytes(probe: Redis): Promise<number> {
  const match = /used_memory_dataset:(\d+)/.exec(await probe.info('memory'));
  return Number(match?.[1]);
}

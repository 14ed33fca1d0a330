/**
 * The origin process: reads its configuration, wires the adapters, serves until SIGTERM. Then the health check
 * says no, those who wait are told to try again, and open connections get a few seconds to end.
 */
import { createServer, type Server } from 'node:http';
import { SystemClock } from '../adapters/clock-system.ts';
import { RedisLiveEdgeReader } from '../adapters/live-edge-redis-reader.ts';
import { JsonLog } from '../adapters/log-json.ts';
import { DiskMediaStore } from '../adapters/media-store-disk.ts';
import { S3MediaStore } from '../adapters/media-store-s3.ts';
import { RedisRegistry } from '../adapters/registry-redis.ts';
import { MirrorError, messageOf } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import { type OriginConfig, readOriginConfig } from './config.ts';
import { DirectServer } from './direct/direct-server.ts';
import { originErrors } from './errors.ts';
import { embeddedMetricsLine, metricsText } from './metrics.ts';
import { Origin } from './origin.ts';
import { viewerMetricLines } from './viewer-reports.ts';

/** For collectors inside the network; the edge forwards only /live/ and /open/. */
const METRICS_PATH = '/metrics';
/** How often the counters are logged, in CloudWatch's embedded metric format. */
const METRICS_INTERVAL_MS = 10_000;
/** After SIGTERM connections may finish what they are sending. */
const DRAIN_MS = 5_000;
/** A client that sends its request's head slower than this is no player. */
const HEADERS_TIMEOUT_MS = 10_000;
const MAX_CONNECTION_BACKLOG = 4_096;

const clock = new SystemClock();

async function main(): Promise<void> {
  const config = readOriginConfig(process.env);
  const log = new JsonLog({ clock, level: config.logLevel, write: (line) => process.stdout.write(line) });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

  const liveEdge = new RedisLiveEdgeReader({ url: config.redisUrl, log });
  const registry = new RedisRegistry({ url: config.redisUrl, log });
  const origin = new Origin({
    liveEdge,
    mediaStore: storeOf(config),
    clock,
    log,
    limits: { heldRequestCount: config.heldRequestCount },
    isOpen: async (streamId) => (await registry.getStream(streamId))?.record.access === 'open',
  });
  const server = createServer((request, response) => {
    if (request.url !== METRICS_PATH) {
      origin.handle(request, response);
      return;
    }
    response
      .writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
      .end(metricsText(origin.metrics()));
  });
  server.keepAliveTimeout = config.keepAliveMs;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  const direct = DirectServer.before(server, {
    handle: (request, response) => origin.handle(request, response),
    nowMs: () => clock.nowMs(),
  });
  await listen(server, config);
  log.info('origin-started', { port: config.port, store: config.store.kind });
  let reported = origin.metrics();
  const reporter = setInterval(() => {
    const metrics = origin.metrics();
    const at = { nowMs: clock.nowMs(), environmentName: config.environmentName };
    process.stdout.write(embeddedMetricsLine(metrics, reported, at));
    process.stdout.write(viewerMetricLines(origin.viewerReports.take(), at));
    reported = metrics;
  }, METRICS_INTERVAL_MS);

  await Promise.all([liveEdge.run(stop.signal), origin.run(stop.signal)]);
  clearInterval(reporter);
  await drain(server, direct, log);
  await registry.close();
  log.info('origin-stopped');
}

function storeOf({ store }: OriginConfig): S3MediaStore | DiskMediaStore {
  return store.kind === 's3' ? new S3MediaStore(store) : new DiskMediaStore(store);
}

function listen(server: Server, { port, host }: OriginConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(originErrors.create('CANNOT_LISTEN', `Port ${port}: ${cause.message}.`, { cause }));
    });
    server.listen({ port, host, backlog: MAX_CONNECTION_BACKLOG }, resolve);
  });
}

/** New connections are refused, idle ones closed; what still sends has a few seconds. */
function drain(server: Server, direct: DirectServer, log: Log): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      log.warn('origin-drain-cut-short', { afterMs: DRAIN_MS });
      direct.closeAllConnections();
    }, DRAIN_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    direct.closeIdleConnections();
  });
}

main().catch((error: unknown) => {
  const remedy = error instanceof MirrorError ? ` ${error.remedy}` : '';
  process.stderr.write(`${messageOf(error)}${remedy}\n`);
  process.exit(1);
});

/**
 * The platform as AWS runs it, on one machine: API, origin and each runner are processes of their own and share
 * nothing but Redis and S3. This process is what CloudFront and ECS are there: the front (page, signatures,
 * hand-over to the processes behind) and the launcher.
 */
import { createServer } from 'node:net';
import { stop as stopBundler } from 'esbuild';
import { RedisLiveEdgeWriter } from '../../adapters/live-edge-redis-writer.ts';
import { S3MediaStore } from '../../adapters/media-store-s3.ts';
import { RedisRegistry } from '../../adapters/registry-redis.ts';
import { messageOf } from '../../domain/errors.ts';
import { initKey } from '../../domain/media-store.ts';
import type { PageFiles } from '../../domain/pages/pages.ts';
import { pause as sleep } from '../../domain/pause.ts';
import type { RunnerSpec } from '../../domain/stream.ts';
import type { RunnerConfigInput } from '../../gpu-runner/config.ts';
import { announcementText, stateLine } from '../announcement.ts';
import { builtInStreams, demoFeedsFor, OWN_FEED_ID } from '../built-in.ts';
import { certificateFor } from '../certificate.ts';
import { type ChildProgram, startChild } from '../child-process.ts';
import { type HeldDirectory, holdDataDirectory } from '../data-directory.ts';
import { DemoFeeds } from '../demo-feeds.ts';
import { localErrors } from '../errors.ts';
import { FrontServer, type TlsFiles } from '../front-server.ts';
import { KeptSecrets } from '../kept-secrets.ts';
import { lanAddresses } from '../lan-addresses.ts';
import { LocalLauncher } from '../launcher-local.ts';
import type { StartOptions } from '../options.ts';
import { bundlePage, createPage } from '../page.ts';
import type { LocalPlatformDependencies } from '../platform.ts';
import { checkCodecs, prepareFrom } from '../programs.ts';
import { createRecordedMedia } from '../recorded-media.ts';
import { RunnerStates } from '../runner-states.ts';
import { SignedDelivery } from '../signed-delivery.ts';
import { createSignedMedia } from '../signed-media.ts';
import { freeSlots } from '../slots.ts';
import { StreamRunner } from '../stream-runner.ts';
import { Supervisor } from '../supervisor.ts';
import { untilAborted } from '../until-aborted.ts';
import { API_CONFIG_ENV_NAME, type ApiConfig } from './api-config.ts';
import { serveLauncher } from './launcher-ipc.ts';
import { proxyTo } from './proxy.ts';

const SOURCES = {
  runner: 'gpu-runner/main.ts',
  demoFeeds: 'tools/feeds/demo.ts',
  origin: 'local/separate/origin-main.ts',
  api: 'local/separate/api-main.ts',
} as const;
/** Of servers that are not AWS's, which take any. */
const DEFAULT_REGION = 'us-east-1';
const PROBE_TIMEOUT_MS = 5_000;

type Programs = Readonly<Record<keyof typeof SOURCES, ChildProgram>>;
type Backing = NonNullable<StartOptions['separate']>;

interface Prepared {
  readonly directory: HeldDirectory;
  readonly files: PageFiles;
  readonly programs: Programs;
  readonly tls: TlsFiles | undefined;
  readonly backing: Backing;
}

export class SeparatePlatform {
  readonly #dependencies: LocalPlatformDependencies;

  constructor(dependencies: LocalPlatformDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Runs until the signal aborts; by then every child is gone.
   *
   * @throws MirrorError LOCAL_*.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { root, options, log, clock } = this.#dependencies;
    const { separate: backing } = options;
    if (!backing) throw new RangeError('this platform needs Redis and S3');
    const directory = await holdDataDirectory(options.dataDir);
    const registry = new RedisRegistry({ url: backing.redisUrl, log });
    try {
      const [files, programs, tls] = await Promise.all([
        bundlePage(root),
        prepareFrom(root, log, SOURCES),
        certificateFor(options, directory.path, clock.nowMs()),
        checkCodecs(root, options.hardware),
        checkBacking(backing, registry),
      ]);
      await stopBundler();
      await this.#serve({ directory, files, programs, tls, backing }, registry, signal);
    } finally {
      await registry.close();
      await directory.release();
    }
  }

  async #serve(prepared: Prepared, registry: RedisRegistry, signal: AbortSignal): Promise<void> {
    const { clock, log, options, print } = this.#dependencies;
    const { directory, tls, programs, backing } = prepared;
    const nowMs = () => clock.nowMs();
    const { secrets, newToken } = await KeptSecrets.open(directory.path, { newToken: options.newToken });
    const [originPort, apiPort] = [await freePort(), await freePort()];
    const mediaHosts: string[] = [];
    let door = new SignedDelivery({ publicKeys: {}, resourceBase: '', clock });
    const front = new FrontServer({
      page: createPage(prepared.files, mediaHosts),
      api: proxyTo(apiPort),
      media: createSignedMedia({
        delivery: { check: (request) => door.check(request) },
        media: createRecordedMedia({ store: storeOf(backing), media: proxyTo(originPort), log }),
        log,
      }),
      log,
    });
    const port = await front.listen(options.port, tls);
    if (!tls) mediaHosts.push(`http://*.localhost:${port}`);
    const baseUrl = `${tls ? 'https' : 'http'}://localhost:${port}`;
    door = new SignedDelivery({ publicKeys: secrets.publicKeys, resourceBase: baseUrl, clock });
    const liveEdge = new RedisLiveEdgeWriter({ url: backing.redisUrl, log });
    const launcher = new LocalLauncher({
      run: ({ spec, startId }, ending) =>
        new StreamRunner({
          config: this.#runnerConfig(spec, backing),
          program: { ...programs.runner, env: awsEnvironment() },
          liveEdge,
          streams: new RunnerStates({
            registry,
            startId,
            nowMs,
            onState: (stream) => print(stateLine(stream) ?? ''),
            log,
          }),
          log,
          nowMs,
          sleep,
        }).run(ending),
    });
    const streams = builtInStreams(options.feedCount);
    const apiConfig: ApiConfig = {
      port: apiPort,
      redisUrl: backing.redisUrl,
      dataDir: directory.path,
      slots: [...(await freeSlots('127.0.0.1'))],
      builtIn: [...streams],
      playbackBaseUrl: baseUrl,
      ...(options.playbackTtlMs === undefined ? {} : { playbackTtlMs: options.playbackTtlMs }),
    };
    let onReady: (ports: readonly number[]) => void = () => undefined;
    const ready = new Promise<readonly number[]>((resolve) => (onReady = resolve));
    const children = Promise.all([
      this.#keep('origin', { ...programs.origin, env: originEnvironment(originPort, backing) }, signal),
      this.#keep(
        'api',
        { ...programs.api, env: { ...awsEnvironment(), [API_CONFIG_ENV_NAME]: JSON.stringify(apiConfig) } },
        signal,
        (send) => {
          const serve = serveLauncher(launcher, send);
          return (message) => (isReady(message) ? onReady(message.ports) : serve(message));
        },
      ),
    ]);
    const ports = await Promise.race([ready, children.then(() => [])]);
    const portOf = (id: string) => ports[streams.findIndex((stream) => stream.id === id)];
    const demoFeeds = demoFeedsFor(streams, portOf);
    if (!signal.aborted)
      print(
        announcementText({
          port,
          tls: tls !== undefined,
          ownCertificate: tls !== undefined && options.tls?.files === undefined,
          demoFeedCount: demoFeeds.length,
          ownFeed: { port: portOf(OWN_FEED_ID) ?? 0 },
          lanAddresses: lanAddresses(),
          ...(newToken === undefined ? {} : { newToken }),
        }),
      );
    await Promise.all([
      children,
      untilAborted(signal).then(() => launcher.close()),
      new DemoFeeds({ feeds: demoFeeds, program: programs.demoFeeds, log, nowMs, sleep }).run(signal),
    ]);
    liveEdge.close();
    await front.close();
  }

  /** Keeps one program running until the signal aborts, however often it dies. */
  async #keep(
    name: string,
    program: ChildProgram,
    signal: AbortSignal,
    listen: (send: (message: object) => boolean) => (message: unknown) => void = () => () => undefined,
  ): Promise<void> {
    const { log, clock } = this.#dependencies;
    const supervisor = new Supervisor({
      start: () => {
        let onMessage: (message: unknown) => void = () => undefined;
        const child = startChild(program, {
          onMessage: (message) => onMessage(message),
          onLine: (line) => log.debug(`${name}-says`, { line }),
        });
        onMessage = listen((message) => child.send(message));
        log.debug('process-started', { process: name, pid: child.pid });
        return child;
      },
      onEvent: (event) => {
        if (event.kind === 'restarting')
          log.warn('process-restarts', { process: name, reason: event.reason, delayMs: event.delayMs });
        if (event.kind === 'failed') log.error('process-failed', { process: name, reason: event.reason });
      },
      nowMs: () => clock.nowMs(),
      sleep,
    });
    await supervisor.run(signal);
  }

  #runnerConfig(spec: RunnerSpec, { redisUrl, s3Url, bucket }: Backing): RunnerConfigInput {
    const { options, logLevel } = this.#dependencies;
    const store = { kind: 's3', bucket, region: region(), endpoint: s3Url } as const;
    return {
      spec: { ...spec, hardware: spec.hardware === 'auto' ? options.hardware : spec.hardware },
      liveEdge: { kind: 'redis', url: redisUrl },
      store,
      ...(spec.record ? { recordings: store } : {}),
      logLevel,
    };
  }
}

function region(): string {
  return process.env['AWS_REGION'] ?? DEFAULT_REGION;
}

function awsEnvironment(): Record<string, string> {
  return { AWS_REGION: region() };
}

function originEnvironment(port: number, { redisUrl, s3Url, bucket }: Backing): Record<string, string> {
  return {
    ...awsEnvironment(),
    MIRROR_PORT: String(port),
    MIRROR_HOST: '127.0.0.1',
    MIRROR_REDIS_URL: redisUrl,
    MIRROR_MEDIA_BUCKET: bucket,
    MIRROR_S3_ENDPOINT: s3Url,
  };
}

function storeOf({ s3Url, bucket }: Backing): S3MediaStore {
  return new S3MediaStore({ bucket, region: region(), endpoint: s3Url });
}

/** @throws MirrorError LOCAL_REDIS_UNUSABLE, LOCAL_S3_UNUSABLE */
async function checkBacking(backing: Backing, registry: RedisRegistry): Promise<void> {
  const { s3Url, bucket } = backing;
  const store = storeOf(backing);
  await Promise.all([
    registry.listSlots().catch((error: unknown) => {
      throw localErrors.create('REDIS_UNUSABLE', `(${messageOf(error)})`, { cause: error });
    }),
    store
      .get(initKey('nobody', 'video'), { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
      .catch((error: unknown) => {
        throw localErrors.create('S3_UNUSABLE', `(${bucket} at ${s3Url}: ${messageOf(error)})`, {
          cause: error,
        });
      }),
  ]);
}

function isReady(message: unknown): message is { readonly ports: readonly number[] } {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    message.kind === 'api-ready' &&
    'ports' in message &&
    Array.isArray(message.ports)
  );
}

/** A TCP port that is free now; the children get it again after each of their deaths. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * The whole platform in one process and its children: live edge in memory, media on disk, origin, API and page
 * here; one child for each stream's runner and one for the demo feeds.
 */
import { availableParallelism, networkInterfaces } from 'node:os';
import { stop as stopBundler } from 'esbuild';
import { MemoryLiveEdge } from '../adapters/live-edge-memory.ts';
import type { LogLevel } from '../adapters/log-level.ts';
import { DiskMediaStore } from '../adapters/media-store-disk.ts';
import { EmbeddedRegistry } from '../adapters/registry-embedded.ts';
import { openStreams } from '../adapters/registry-runner-reports.ts';
import type { LiveEdgeWriter } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import { streamPrefix } from '../domain/media-store.ts';
import type { RunnerSpec } from '../domain/stream.ts';
import type { Clock } from '../domain/timeline.ts';
import type { RunnerConfigInput } from '../gpu-runner/config.ts';
import { Origin } from '../origin/origin.ts';
import { DEMO_FEED_NAMES, type DemoFeed, demoFeedCount } from '../tools/feeds/demo.ts';
import { announcementText, stateLine } from './announcement.ts';
import { ownCertificate, readCertificate } from './certificate.ts';
import { type BuiltInStream, LocalControl } from './control.ts';
import { type HeldDirectory, holdDataDirectory, PartCleaner } from './data-directory.ts';
import { DemoFeeds } from './demo-feeds.ts';
import { answerText, type FrontHandler, FrontServer, type TlsFiles } from './front-server.ts';
import { KeptSecrets } from './kept-secrets.ts';
import { LocalLauncher } from './launcher-local.ts';
import type { StartOptions } from './options.ts';
import { bundlePage, createPage } from './page.ts';
import { type ChildPrograms, checkCodecs, preparePrograms } from './programs.ts';
import { RunnerStates } from './runner-states.ts';
import { SignedDelivery } from './signed-delivery.ts';
import { createSignedMedia } from './signed-media.ts';
import { sleep } from './sleep.ts';
import { freeSlots } from './slots.ts';
import { StreamRunner } from './stream-runner.ts';

export interface LocalPlatformDependencies {
  /** Folder of the checkout. */
  readonly root: string;
  readonly options: StartOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the runners; their lines come out at `log`. */
  readonly logLevel: LogLevel;
  /** Writes to the person at the terminal. */
  readonly print: (text: string) => void;
}

/** Stream of the person who started this; it waits for an encoder. */
export const OWN_FEED_ID = 'own';

export class LocalPlatform {
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
    const { root, options, log } = this.#dependencies;
    const directory = await holdDataDirectory(options.dataDir);
    try {
      const [files, programs, tls] = await Promise.all([
        bundlePage(root),
        preparePrograms(root, log),
        this.#certificate(directory),
        checkCodecs(root),
      ]);
      // The bundler's own process would stay and hold its memory.
      await stopBundler();
      await this.#serve({ directory, files, programs, tls }, signal);
    } finally {
      await directory.release();
    }
  }

  async #serve(
    prepared: {
      readonly directory: HeldDirectory;
      readonly files: Awaited<ReturnType<typeof bundlePage>>;
      readonly programs: ChildPrograms;
      readonly tls: TlsFiles | undefined;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, log, options, print } = this.#dependencies;
    const { directory, tls, programs } = prepared;
    const nowMs = () => clock.nowMs();
    const store = new DiskMediaStore({ directory: directory.path });
    // Nobody knows of these parts any more: the live edge that named them was in the memory of another process.
    await store.removePrefix('streams/');
    const liveEdge = new MemoryLiveEdge({ log });
    const registry = new EmbeddedRegistry({ nowMs });
    const { secrets, newToken } = await KeptSecrets.open(directory.path, { newToken: options.newToken });
    const origin = new Origin({
      liveEdge,
      mediaStore: store,
      clock,
      log,
      isOpen: openStreams(registry),
    });
    const mediaHosts: string[] = [];
    let api: FrontHandler = notReady;
    let media: FrontHandler = notReady;
    const front = new FrontServer({
      page: createPage(prepared.files, mediaHosts),
      api: (request, response) => api(request, response),
      media: (request, response) => media(request, response),
      log,
    });
    const port = await front.listen(options.port, tls);
    if (!tls) mediaHosts.push(`http://*.localhost:${port}`);
    const baseUrl = `${tls ? 'https' : 'http'}://localhost:${port}`;
    media = createSignedMedia({
      delivery: new SignedDelivery({ publicKeys: secrets.publicKeys, resourceBase: baseUrl, clock }),
      media: (request, response) => origin.handle(request, response),
      log,
    });
    const say = (stream: Parameters<typeof stateLine>[0]) => print(stateLine(stream) ?? '');
    const launcher = new LocalLauncher({
      run: (run, ending) =>
        new StreamRunner({
          config: this.#runnerConfig(run.spec, directory.path),
          program: programs.runner,
          liveEdge,
          streams: new RunnerStates({ registry, startId: run.startId, nowMs, onState: say, log }),
          log,
          nowMs,
          sleep,
        }).run(ending),
    });
    const streams = this.#builtIn();
    const control = new LocalControl({
      registry,
      launcher,
      secrets,
      liveEdge: forgetting(liveEdge, store),
      slots: await freeSlots('127.0.0.1'),
      builtIn: streams,
      playbackBaseUrl: baseUrl,
      playbackTtlMs: options.playbackTtlMs,
      clock,
      log,
    });
    api = (request, response) => void control.handle(request, response);
    await control.startBuiltIn();
    const demoFeeds: DemoFeed[] = [];
    for (const { id, name, demo } of streams)
      if (demo) demoFeeds.push({ to: `srt://127.0.0.1:${await control.portOf(id)}`, name });
    const cleaner = new PartCleaner({ store, nowMs, sleep, log });
    print(
      announcementText({
        port,
        tls: tls !== undefined,
        ownCertificate: tls !== undefined && options.tls?.files === undefined,
        demoFeedCount: demoFeeds.length,
        ownFeed: { port: (await control.portOf(OWN_FEED_ID)) ?? 0 },
        lanAddresses: lanAddresses(),
        ...(newToken === undefined ? {} : { newToken }),
      }),
    );
    await Promise.all([
      origin.run(signal),
      cleaner.run(signal),
      aborted(signal).then(() => launcher.close()),
      new DemoFeeds({ feeds: demoFeeds, program: programs.demoFeeds, log, nowMs, sleep }).run(signal),
    ]);
    await front.close();
  }

  #runnerConfig(spec: RunnerSpec, directory: string): RunnerConfigInput {
    const { hardware } = this.#dependencies.options;
    const disk = { kind: 'disk', directory } as const;
    return {
      // A stream that leaves the choice to the machine gets what the machine was started with.
      spec: { ...spec, hardware: spec.hardware === 'auto' ? hardware : spec.hardware },
      liveEdge: { kind: 'ipc' },
      store: disk,
      ...(spec.record ? { recordings: disk } : {}),
      logLevel: this.#dependencies.logLevel,
    };
  }

  /** The demo feeds first, then the person's own. */
  #builtIn(): readonly BuiltInStream[] {
    const demoCount = this.#dependencies.options.feedCount ?? demoFeedCount(availableParallelism());
    const demo = Array.from({ length: demoCount }, (_, index) => ({
      id: `cam-${index + 1}`,
      name: demoFeedName(index),
      demo: true,
    }));
    return [...demo, { id: OWN_FEED_ID, name: 'Your own feed', demo: false }];
  }

  async #certificate(directory: HeldDirectory): Promise<TlsFiles | undefined> {
    const { clock, options } = this.#dependencies;
    if (!options.tls) return undefined;
    const { files } = options.tls;
    if (files) return readCertificate(files.certPath, files.keyPath);
    return ownCertificate(directory.path, clock.nowMs());
  }
}

function demoFeedName(index: number): string {
  const name = DEMO_FEED_NAMES[index % DEMO_FEED_NAMES.length] ?? 'FEED';
  return index < DEMO_FEED_NAMES.length ? name : `${name} ${Math.floor(index / DEMO_FEED_NAMES.length) + 1}`;
}

/** A stream that is deleted leaves no media behind: its id may be taken again with other settings. */
function forgetting(
  liveEdge: LiveEdgeWriter,
  store: { removePrefix(prefix: string): Promise<void> },
): Pick<LiveEdgeWriter, 'end' | 'remove'> {
  return {
    end: (streamId) => liveEdge.end(streamId),
    remove: async (streamId) => {
      await liveEdge.remove(streamId);
      await store.removePrefix(streamPrefix(streamId));
    },
  };
}

const notReady: FrontHandler = (_request, response) =>
  answerText(response, 503, 'It is starting. Try again in a moment.', { 'retry-after': '1' });

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** IPv4 addresses of this machine that others in its networks can reach. */
function lanAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((entry) => (entry && entry.family === 'IPv4' && !entry.internal ? [entry.address] : []));
}

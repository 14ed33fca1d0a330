/**
 * The whole platform in one process and its children: live edge in memory, media on disk, origin, API and page
 * here; one child for each stream's runner and one for the demo feeds.
 */
import { availableParallelism, networkInterfaces } from 'node:os';
import { stop as stopBundler } from 'esbuild';
import { MemoryLiveEdge } from '../adapters/live-edge-memory.ts';
import type { LogLevel } from '../adapters/log-level.ts';
import { DiskMediaStore } from '../adapters/media-store-disk.ts';
import type { Log } from '../domain/log.ts';
import type { Clock } from '../domain/timeline.ts';
import { Origin } from '../origin/origin.ts';
import { DEMO_FEED_NAMES, type DemoFeed, demoFeedCount } from '../tools/feeds/demo.ts';
import { announcementText, ingestUrl, stateLine } from './announcement.ts';
import { createApi } from './api.ts';
import { ownCertificate, readCertificate } from './certificate.ts';
import { type HeldDirectory, holdDataDirectory, PartCleaner } from './data-directory.ts';
import { DemoFeeds } from './demo-feeds.ts';
import { freeFeedPorts } from './feed-ports.ts';
import { FrontServer, type TlsFiles } from './front-server.ts';
import type { StartOptions } from './options.ts';
import { bundlePage, createPage } from './page.ts';
import { type ChildPrograms, checkCodecs, preparePrograms } from './programs.ts';
import { sleep } from './sleep.ts';
import { StreamRunner } from './stream-runner.ts';
import { StreamTable } from './stream-table.ts';

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

interface LocalStream {
  readonly id: string;
  readonly name: string;
  readonly port: number;
  readonly demo: boolean;
}

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
    const table = new StreamTable({
      nowMs,
      onState: (stream) => {
        const line = stateLine(stream);
        if (line !== undefined) print(line);
      },
    });
    const streams = await this.#streams();
    for (const { id, name, port, demo } of streams)
      table.add({ id, name, demo, ingestUrl: ingestUrl('127.0.0.1', port) });
    const origin = new Origin({
      liveEdge,
      mediaStore: store,
      clock,
      log,
      isOpen: (id) => table.get(id) !== undefined,
    });
    const mediaHosts: string[] = [];
    const front = new FrontServer({
      page: createPage(prepared.files, mediaHosts),
      api: createApi({ streams: table }),
      media: (request, response) => origin.handle(request, response),
      log,
    });
    const port = await front.listen(options.port, tls);
    if (!tls) mediaHosts.push(`http://*.localhost:${port}`);
    const runners = streams.map(
      (stream) =>
        new StreamRunner({
          config: {
            spec: {
              streamId: stream.id,
              name: stream.name,
              hardware: options.hardware,
              ingest: { protocol: 'srt-listener', port: stream.port },
            },
            liveEdge: { kind: 'ipc' },
            store: { kind: 'disk', directory: directory.path },
            logLevel: this.#dependencies.logLevel,
          },
          program: programs.runner,
          liveEdge,
          streams: table,
          log,
          nowMs,
          sleep,
        }),
    );
    const demoFeeds = streams.filter((stream) => stream.demo).map(demoFeedOf);
    const cleaner = new PartCleaner({ store, nowMs, sleep, log });
    print(
      announcementText({
        port,
        tls: tls !== undefined,
        ownCertificate: tls !== undefined && options.tls?.files === undefined,
        demoFeedCount: demoFeeds.length,
        ownFeed: { port: streams.at(-1)?.port ?? 0 },
        lanAddresses: lanAddresses(),
      }),
    );
    await Promise.all([
      origin.run(signal),
      cleaner.run(signal),
      ...runners.map((runner) => runner.run(signal)),
      new DemoFeeds({ feeds: demoFeeds, program: programs.demoFeeds, log, nowMs, sleep }).run(signal),
    ]);
    await front.close();
  }

  /** The demo feeds first, then the person's own. */
  async #streams(): Promise<readonly LocalStream[]> {
    const { options } = this.#dependencies;
    const demoCount = options.feedCount ?? demoFeedCount(availableParallelism());
    const ports = await freeFeedPorts(demoCount + 1);
    return ports.map((port, index) =>
      index < demoCount
        ? { id: `cam-${index + 1}`, name: demoFeedName(index), port, demo: true }
        : { id: OWN_FEED_ID, name: 'Your own feed', port, demo: false },
    );
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

function demoFeedOf({ name, port }: LocalStream): DemoFeed {
  return { to: `srt://127.0.0.1:${port}`, name };
}

/** IPv4 addresses of this machine that others in its networks can reach. */
function lanAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((entry) => (entry && entry.family === 'IPv4' && !entry.internal ? [entry.address] : []));
}

/**
 * The whole platform in one process and its children: live edge in memory, media on disk, origin, API and page
 * here; one child for each stream's runner and one for the demo feeds.
 */
import { stop as stopBundler } from 'esbuild';
import { MemoryLiveEdge } from '../adapters/live-edge-memory.ts';
import type { LogLevel } from '../adapters/log-level.ts';
import { DiskMediaStore } from '../adapters/media-store-disk.ts';
import { EmbeddedRegistry } from '../adapters/registry-embedded.ts';
import { openStreams } from '../adapters/registry-runner-reports.ts';
import type { LiveEdgeWriter } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import { streamPrefix } from '../domain/media-store.ts';
import { pause as sleep } from '../domain/pause.ts';
import type { RunnerSpec } from '../domain/stream.ts';
import type { Clock } from '../domain/timeline.ts';
import type { RunnerConfigInput } from '../gpu-runner/config.ts';
import { Origin } from '../origin/origin.ts';
import { announcementText, stateLine } from './announcement.ts';
import { builtInStreams, demoFeedsFor, OWN_FEED_ID } from './built-in.ts';
import { certificateFor } from './certificate.ts';
import { LocalControl } from './control.ts';
import { type HeldDirectory, holdDataDirectory, PartCleaner } from './data-directory.ts';
import { DemoFeeds } from './demo-feeds.ts';
import { answerStarting, type FrontHandler, FrontServer, type TlsFiles } from './front-server.ts';
import { KeptSecrets } from './kept-secrets.ts';
import { lanAddresses } from './lan-addresses.ts';
import { LocalLauncher } from './launcher-local.ts';
import type { StartOptions } from './options.ts';
import { bundlePage, createPage } from './page.ts';
import { type ChildPrograms, checkCodecs, preparePrograms } from './programs.ts';
import { createRecordedMedia } from './recorded-media.ts';
import { RunnerStates } from './runner-states.ts';
import { SignedDelivery } from './signed-delivery.ts';
import { createSignedMedia } from './signed-media.ts';
import { freeSlots } from './slots.ts';
import { StreamRunner } from './stream-runner.ts';
import { untilAborted } from './until-aborted.ts';

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

interface Prepared {
  readonly directory: HeldDirectory;
  readonly files: Awaited<ReturnType<typeof bundlePage>>;
  readonly programs: ChildPrograms;
  readonly tls: TlsFiles | undefined;
}

/** What answers requests once it is there. */
interface Behind {
  readonly api: FrontHandler;
  readonly media: FrontHandler;
}

/** The one address of the platform. */
interface Door {
  readonly port: number;
  readonly baseUrl: string;
  lead(behind: Behind): void;
  close(): Promise<void>;
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
        certificateFor(options, directory.path, this.#dependencies.clock.nowMs()),
        checkCodecs(root, options.hardware),
      ]);
      // The bundler's own process would stay and hold its memory.
      await stopBundler();
      await this.#serve({ directory, files, programs, tls }, signal);
    } finally {
      await directory.release();
    }
  }

  async #serve(prepared: Prepared, signal: AbortSignal): Promise<void> {
    const { clock, log, options } = this.#dependencies;
    const { directory, programs } = prepared;
    const nowMs = () => clock.nowMs();
    const store = new DiskMediaStore({ directory: directory.path });
    // Nobody knows of these parts any more: the live edge that named them was in the memory of another process.
    await store.removePrefix('streams/');
    const liveEdge = new MemoryLiveEdge({ log });
    const registry = new EmbeddedRegistry({ nowMs });
    const { secrets, newToken } = await KeptSecrets.open(directory.path, { newToken: options.newToken });
    const origin = new Origin({ liveEdge, mediaStore: store, clock, log, isOpen: openStreams(registry) });
    const door = await this.#open(prepared);
    const { baseUrl } = door;
    const launcher = this.#launcher(prepared, { registry, liveEdge });
    const streams = builtInStreams(options.feedCount);
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
    door.lead({
      api: (request, response) => void control.handle(request, response),
      media: createSignedMedia({
        delivery: new SignedDelivery({ publicKeys: secrets.publicKeys, resourceBase: baseUrl, clock }),
        media: createRecordedMedia({
          store,
          media: (request, response) => origin.handle(request, response),
          log,
        }),
        log,
      }),
    });
    await control.startBuiltIn();
    const ports = new Map<string, number>();
    for (const { id } of streams) ports.set(id, (await control.portOf(id)) ?? 0);
    const demoFeeds = demoFeedsFor(streams, (id) => ports.get(id));
    const cleaner = new PartCleaner({ store, nowMs, sleep, log });
    this.#announce({
      port: door.port,
      demoFeedCount: demoFeeds.length,
      ownFeed: { port: ports.get(OWN_FEED_ID) ?? 0 },
      ...(newToken === undefined ? {} : { newToken }),
    });
    await Promise.all([
      origin.run(signal),
      cleaner.run(signal),
      untilAborted(signal).then(() => launcher.close()),
      new DemoFeeds({ feeds: demoFeeds, program: programs.demoFeeds, log, nowMs, sleep }).run(signal),
    ]);
    await door.close();
  }

  /** Listens before there is anything behind the door, because what is behind must know its address. */
  async #open({ files, tls }: Pick<Prepared, 'files' | 'tls'>): Promise<Door> {
    const { log, options } = this.#dependencies;
    const mediaHosts: string[] = [];
    let behind: Behind = { api: answerStarting, media: answerStarting };
    const front = new FrontServer({
      page: createPage(files, mediaHosts),
      api: (request, response) => behind.api(request, response),
      media: (request, response) => behind.media(request, response),
      log,
    });
    const port = await front.listen(options.port, tls);
    if (!tls) mediaHosts.push(`http://*.localhost:${port}`);
    return {
      port,
      baseUrl: `${tls ? 'https' : 'http'}://localhost:${port}`,
      lead: (ready) => {
        behind = ready;
      },
      close: () => front.close(),
    };
  }

  #launcher(
    { directory, programs }: Pick<Prepared, 'directory' | 'programs'>,
    { registry, liveEdge }: { readonly registry: EmbeddedRegistry; readonly liveEdge: MemoryLiveEdge },
  ): LocalLauncher {
    const { clock, log, print } = this.#dependencies;
    const nowMs = () => clock.nowMs();
    const say = (stream: Parameters<typeof stateLine>[0]) => print(stateLine(stream) ?? '');
    return new LocalLauncher({
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
  }

  #announce(found: Omit<Parameters<typeof announcementText>[0], 'tls' | 'ownCertificate' | 'lanAddresses'>) {
    const { options, print } = this.#dependencies;
    const tls = options.tls !== undefined;
    const ownCertificate = tls && options.tls?.files === undefined;
    print(announcementText({ ...found, tls, ownCertificate, lanAddresses: lanAddresses() }));
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

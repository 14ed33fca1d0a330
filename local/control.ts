/**
 * The control plane as it runs on one machine: the handlers of AWS over the parts that are given, the streams
 * that `npm start` brings along, and the list of open streams that the page shows.
 */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { CloudFrontUrlSigner } from '../adapters/url-signer-cloudfront.ts';
import type { IngestSlot } from '../domain/control/ingest-slot.ts';
import type { Launcher } from '../domain/control/launcher.ts';
import { CONTROL_LIMITS } from '../domain/control/limits.ts';
import type { Registry } from '../domain/control/registry.ts';
import { isRunning, type StreamRecord, stateOf } from '../domain/control/stream-record.ts';
import { REFERENCE_ENVIRONMENT } from '../domain/cost/environment.ts';
import type { LiveEdgeWriter } from '../domain/live-edge.ts';
import type { Log } from '../domain/log.ts';
import { SEED_LIMITS } from '../domain/profile.ts';
import type { Clock } from '../domain/timeline.ts';
import { type ControlPlane, createControlPlane } from '../lambdas/control-plane.ts';
import type { NodeRequest, NodeResponse } from '../lambdas/http/node-adapter.ts';
import { publicStreamView } from '../lambdas/streams/views.ts';
import { ingestUrl } from './announcement.ts';
import { writeHead } from './front-server.ts';
import type { KeptSecrets } from './kept-secrets.ts';
import { MachineLoad } from './machine-load.ts';

/** Cameras stand in the networks of the machine's owner. Link-local addresses stay refused. */
const ALLOWED_CALL_RANGES = [
  '127.0.0.0/8',
  '::1/128',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
];
const ENVIRONMENT_NAME = 'local';

/** A stream that is there from the start: open, and without a passphrase, so that one line of text feeds it. */
export interface BuiltInStream {
  readonly id: string;
  readonly name: string;
  /** True when this program sends its feed itself. */
  readonly demo: boolean;
}

export interface LocalControlDependencies {
  readonly registry: Registry;
  readonly launcher: Launcher;
  readonly secrets: KeptSecrets;
  readonly liveEdge: Pick<LiveEdgeWriter, 'end' | 'remove'>;
  readonly slots: readonly IngestSlot[];
  readonly builtIn: readonly BuiltInStream[];
  /** Scheme and host of this machine's edge; what its signatures are bound to. */
  readonly playbackBaseUrl: string;
  /** For tests of renewal; the product's own when left out. */
  readonly playbackTtlMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export class LocalControl {
  readonly plane: ControlPlane;
  readonly #dependencies: LocalControlDependencies;

  constructor(dependencies: LocalControlDependencies) {
    this.#dependencies = dependencies;
    const { secrets, playbackBaseUrl, playbackTtlMs, slots } = dependencies;
    const load = new MachineLoad();
    this.plane = createControlPlane({
      ...dependencies,
      signer: new CloudFrontUrlSigner({
        identity: async () => secrets.signingIdentity,
        resourceBase: playbackBaseUrl,
      }),
      resolveHost: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
      randomness: { bytes: (count) => randomBytes(count) },
      sleep: (ms) => wait(ms),
      config: {
        slots,
        allowedCallRanges: ALLOWED_CALL_RANGES,
        playbackBaseUrl,
        ...(playbackTtlMs === undefined ? {} : { playbackTtlMs }),
        secureCookies: playbackBaseUrl.startsWith('https:'),
        environmentName: ENVIRONMENT_NAME,
        capacity: { environment: REFERENCE_ENVIRONMENT, machine: () => load.read() },
      },
    });
  }

  /** Brings the streams of `npm start` into the registry and starts those that do not run. */
  async startBuiltIn(): Promise<void> {
    const { registry, builtIn, clock } = this.#dependencies;
    await this.#failOrphans();
    for (const stream of builtIn) {
      const record = builtInRecord(stream, clock.nowMs());
      await registry.createStream(record, { recordCountMax: CONTROL_LIMITS.streamRecordCountMax });
      await this.plane.lifecycle.start(stream.id);
    }
  }

  /** A registry that outlives the platform names runners of an earlier one, which are gone with it. */
  async #failOrphans(): Promise<void> {
    const { registry, launcher } = this.#dependencies;
    const running = new Set((await launcher.list()).map(({ startId }) => startId));
    const known = await registry.listStreams({ countMax: CONTROL_LIMITS.streamRecordCountMax });
    for (const { record } of known) {
      if (!record.run || running.has(record.run.startId) || !isRunning(stateOf(record).state)) continue;
      await this.plane.lifecycle.abandon(record, 'The platform was started anew. Start this stream again.');
    }
  }

  /** Where an encoder reaches a built-in stream; undefined while it does not run. */
  async portOf(streamId: string): Promise<number | undefined> {
    const run = (await this.#dependencies.registry.getStream(streamId))?.record.run;
    return run && this.#dependencies.slots[run.slotIndex]?.port;
  }

  /** Serves /v1/*. Never rejects. */
  async handle(request: NodeRequest, response: NodeResponse): Promise<void> {
    if (!isAnonymousList(request)) return this.plane.handle(request, response);
    try {
      const text = JSON.stringify({ streams: await this.#openStreams() });
      writeHead(response, 200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(text);
    } catch {
      // The registry is away: the plane says so in its own words.
      await this.plane.handle(request, response);
    }
  }

  /**
   * What anybody on this machine may know of the open streams: more than AWS tells, since who sees the page
   * here is mostly who runs it. Nothing that opens a door which a passphrase keeps.
   */
  async #openStreams(): Promise<readonly object[]> {
    const { registry, builtIn } = this.#dependencies;
    const found = await registry.listStreams({ countMax: CONTROL_LIMITS.streamRecordCountMax });
    const open = found.map(({ record }) => record).filter(({ access }) => access === 'open');
    return Promise.all(
      open.map(async (record) => {
        const status = record.run && (await registry.getStatus(record.id));
        const { reason } = stateOf(record);
        const url = this.#openIngestUrl(record);
        return {
          ...publicStreamView(record),
          demo: builtIn.some(({ id, demo }) => demo && id === record.id),
          ...(reason === undefined ? {} : { reason }),
          ...(url === undefined ? {} : { ingestUrl: url }),
          ...(status ? { hardware: status.hardware, counters: status.counters, source: status.source } : {}),
        };
      }),
    );
  }

  #openIngestUrl({ ingest, run }: StreamRecord): string | undefined {
    const slot = run && this.#dependencies.slots[run.slotIndex];
    if (!slot || ingest.protocol !== 'srt-listener' || !ingest.unencrypted) return undefined;
    return ingestUrl(slot.publicHost, slot.port);
  }
}

function builtInRecord({ id, name }: BuiltInStream, nowMs: number): StreamRecord {
  return {
    id,
    name,
    access: 'open',
    ingest: { protocol: 'srt-listener', latencyMs: SEED_LIMITS.srtLatencyMs, unencrypted: true },
    frameRate: 30,
    hardware: 'auto',
    record: false,
    signalLoss: 'last-picture',
    createdAtMs: nowMs,
    history: [{ state: 'created', atMs: nowMs }],
  };
}

/** What the page asks every second. With a token or a query it is a question to the API proper. */
function isAnonymousList({ method, url, headers }: NodeRequest): boolean {
  return method === 'GET' && url === '/v1/streams' && headers.authorization === undefined;
}

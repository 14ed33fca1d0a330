/**
 * The control API as a process of its own: the handlers of AWS over Redis, and beside them, on a clock, the
 * reconciler. It keeps nothing: killed, it starts again and goes on.
 */
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { RedisLiveEdgeWriter } from '../../adapters/live-edge-redis-writer.ts';
import { JsonLog } from '../../adapters/log-json.ts';
import { onParentGone } from '../../adapters/parent-process.ts';
import { RedisRegistry } from '../../adapters/registry-redis.ts';
import { messageOf } from '../../domain/errors.ts';
import { Reconciler } from '../../lambdas/reconciler/service.ts';
import { LocalControl } from '../control.ts';
import { KeptSecrets } from '../kept-secrets.ts';
import { API_CONFIG_ENV_NAME, apiConfigSchema } from './api-config.ts';
import { IpcLauncher } from './launcher-ipc.ts';

/** On AWS it is a minute, and ECS's events come at once. */
const RECONCILE_EVERY_MS = 2_000;

const config = apiConfigSchema.parse(JSON.parse(process.env[API_CONFIG_ENV_NAME] ?? 'null'));
const clock = { nowMs: () => Date.now() };
const log = new JsonLog({ clock, level: 'info', write: (line) => process.stdout.write(line) });
onParentGone(() => process.exit(0));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));

const launcher = new IpcLauncher({
  send: (message) =>
    process.connected && process.send?.(message, undefined, undefined, () => undefined) !== false,
});
process.on('message', (message) => launcher.onMessage(message));
const registry = new RedisRegistry({ url: config.redisUrl, log });
const control = new LocalControl({
  registry,
  launcher,
  secrets: await KeptSecrets.join(config.dataDir),
  liveEdge: new RedisLiveEdgeWriter({ url: config.redisUrl, log }),
  slots: config.slots,
  builtIn: config.builtIn,
  playbackBaseUrl: config.playbackBaseUrl,
  playbackTtlMs: config.playbackTtlMs,
  clock,
  log,
});
const server = createServer((request, response) => void control.handle(request, response));
await new Promise<void>((resolve, reject) => {
  server.once('error', reject);
  server.listen(config.port, '127.0.0.1', resolve);
});
await control.startBuiltIn();
const ports = await Promise.all(config.builtIn.map(({ id }) => control.portOf(id)));
process.send?.({ kind: 'api-ready', ports: ports.map((port) => port ?? 0) });

const reconciler = new Reconciler({ registry, launcher, lifecycle: control.plane.lifecycle, clock, log });
let failing = false;
for (;;) {
  await wait(RECONCILE_EVERY_MS);
  try {
    await reconciler.reconcile();
    failing = false;
  } catch (error) {
    if (!failing) log.warn('reconcile-failed', { error: messageOf(error) });
    failing = true;
  }
}

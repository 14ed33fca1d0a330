/**
 * The launcher over Node's IPC channel: the API process asks, and the process that started it launches, as a
 * Lambda asks ECS. The runners live on when the API process dies.
 */
import { z } from 'zod';
import { ingestSlotSchema } from '../../domain/control/ingest-slot.ts';
import type { LaunchedRunner, Launcher, LaunchRequest } from '../../domain/control/launcher.ts';
import { streamRecordSchema } from '../../domain/control/stream-record.ts';
import { messageOf } from '../../domain/errors.ts';
import { runnerSpecSchema } from '../../domain/stream.ts';

/** Calls without an answer yet. */
const CALLS_IN_FLIGHT_MAX = 200;

const callSchema = z.object({
  kind: z.literal('launcher-call'),
  id: z.int(),
  call: z.discriminatedUnion('method', [
    z.object({
      method: z.literal('start'),
      request: z.object({
        record: streamRecordSchema,
        startId: z.string(),
        slotIndex: z.int(),
        slot: ingestSlotSchema,
        spec: runnerSpecSchema,
        secret: z.object({ id: z.string(), value: z.string() }).optional(),
      }),
    }),
    z.object({ method: z.literal('stop'), streamId: z.string(), startId: z.string() }),
    z.object({ method: z.literal('list') }),
  ]),
});
type LauncherCall = z.output<typeof callSchema>['call'];

const resultSchema = z.object({
  kind: z.literal('launcher-result'),
  id: z.int(),
  problem: z.string().optional(),
  stopped: z.enum(['stopped', 'draining']).optional(),
  runners: z
    .array(
      z.object({
        streamId: z.string(),
        startId: z.string(),
        state: z.enum(['active', 'draining']),
        slotIndex: z.int().exactOptional(),
        record: streamRecordSchema.exactOptional(),
      }),
    )
    .optional(),
});
type LauncherResult = z.output<typeof resultSchema>;

export interface IpcLauncherDependencies {
  /** False when the parent is gone. */
  readonly send: (message: object) => boolean;
}

/** The API's half. */
export class IpcLauncher implements Launcher {
  readonly #send: IpcLauncherDependencies['send'];
  readonly #pending = new Map<number, (result: LauncherResult) => void>();
  #nextId = 0;

  constructor({ send }: IpcLauncherDependencies) {
    this.#send = send;
  }

  async start(request: LaunchRequest): Promise<void> {
    await this.#call({ method: 'start', request });
  }

  async stop(run: { streamId: string; startId: string }): Promise<'stopped' | 'draining'> {
    const { streamId, startId } = run;
    return (await this.#call({ method: 'stop', streamId, startId })).stopped ?? 'stopped';
  }

  async list(): Promise<readonly LaunchedRunner[]> {
    return (await this.#call({ method: 'list' })).runners ?? [];
  }

  /** To be called with each message of the parent. */
  onMessage(message: unknown): void {
    const parsed = resultSchema.safeParse(message);
    if (!parsed.success) return;
    this.#pending.get(parsed.data.id)?.(parsed.data);
    this.#pending.delete(parsed.data.id);
  }

  async #call(call: object): Promise<LauncherResult> {
    if (this.#pending.size >= CALLS_IN_FLIGHT_MAX) throw new Error('The launcher does not answer.');
    const id = this.#nextId++;
    const result = await new Promise<LauncherResult>((resolve, reject) => {
      this.#pending.set(id, resolve);
      if (this.#send({ kind: 'launcher-call', id, call })) return;
      this.#pending.delete(id);
      reject(new Error('The launcher is gone.'));
    });
    if (result.problem !== undefined) throw new Error(result.problem);
    return result;
  }
}

/** The parent's half. @returns a function to be called with each message of the API process. */
export function serveLauncher(
  launcher: Launcher,
  send: (message: object) => boolean,
): (message: unknown) => void {
  return (message) => {
    const parsed = callSchema.safeParse(message);
    if (!parsed.success) return;
    const { id, call } = parsed.data;
    void answerTo(launcher, call).then((answer) => send({ kind: 'launcher-result', id, ...answer }));
  };
}

async function answerTo(launcher: Launcher, call: LauncherCall): Promise<object> {
  try {
    if (call.method === 'list') return { runners: await launcher.list() };
    if (call.method === 'stop') return { stopped: await launcher.stop(call) };
    const { secret, ...request } = call.request;
    await launcher.start(secret === undefined ? request : { ...request, secret });
    return {};
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

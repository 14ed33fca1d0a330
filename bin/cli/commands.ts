/** What each command does: calls of the API, and their answers in words or as JSON. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ROUTES, type StreamView } from '../../domain/control/api.ts';
import { reasonInWords } from '../../domain/control/history-words.ts';
import type { Command } from './arguments.ts';
import type { ApiClient } from './client.ts';
import { counterRows, ingestWords, refusedFeedWords, sourceWords } from './stream-words.ts';
import { fields, printable, table } from './table.ts';
import { EXIT } from './usage.ts';

export interface CommandContext {
  readonly client: ApiClient;
  readonly json: boolean;
  readonly print: (text: string) => void;
}

const WATCH_POLL_MS = 1_000;
/** The API's largest page; a list follows the cursors to its end. */
const PAGE_SIZE = 100;
const PAGE_COUNT_MAX = 20;

const detailSchema = ROUTES.showStream.answer;
type Detail = z.output<typeof detailSchema>;

/** @returns the exit code. */
export async function runCommand(
  command: Exclude<Command, { kind: 'help' }>,
  context: CommandContext,
): Promise<number> {
  switch (command.kind) {
    case 'streams-list':
      return listStreams(command.limit, context);
    case 'streams-create':
      return createStream(command, context);
    case 'streams-show':
      return show(await detail(command.id, context), context);
    case 'streams-start':
      return startStream(command.id, context);
    case 'streams-stop':
      return show(await context.client.call('POST', `${streamPath(command.id)}/stop`, detailSchema), context);
    case 'streams-delete':
      await context.client.call('DELETE', streamPath(command.id), z.undefined());
      return print(context, { deleted: command.id }, `Deleted ${command.id}.`);
    case 'streams-watch':
      return watchStream(command, context);
    case 'tickets-issue':
      return issueTicket(command, context);
    case 'viewers-count':
      return countViewers(context);
    case 'open':
      return openStreams(command, context);
  }
  return EXIT.usage;
}

function streamPath(id: string): string {
  return `/v1/streams/${encodeURIComponent(id)}`;
}

async function detail(id: string, { client }: CommandContext): Promise<Detail> {
  return client.call('GET', streamPath(id), detailSchema);
}

async function listStreams(limit: number | undefined, context: CommandContext): Promise<number> {
  const streams: StreamView[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGE_COUNT_MAX; page++) {
    const size = Math.min(PAGE_SIZE, (limit ?? Number.POSITIVE_INFINITY) - streams.length);
    const query = new URLSearchParams({ limit: String(size), ...(cursor === undefined ? {} : { cursor }) });
    const answer = await context.client.call(
      'GET',
      `/v1/streams?${query.toString()}`,
      ROUTES.listStreams.answer,
    );
    streams.push(...answer.streams);
    cursor = answer.nextCursor;
    if (cursor === undefined || streams.length >= (limit ?? Number.POSITIVE_INFINITY)) break;
  }
  const rows = streams.map(({ id, name, state, access, since, reason = '', ingestUrl = '' }) => [
    id,
    name,
    state,
    access,
    since,
    ingestUrl,
    reason,
  ]);
  const text =
    rows.length === 0
      ? 'There are no streams. Create one with: mirror streams create NAME --start'
      : table(['ID', 'NAME', 'STATE', 'ACCESS', 'SINCE', 'INGEST', 'REASON'], rows);
  return print(context, { streams }, text);
}

async function createStream(
  { body, start }: { readonly body: Readonly<Record<string, unknown>>; readonly start: boolean },
  context: CommandContext,
): Promise<number> {
  const created = await context.client.call('POST', '/v1/streams', detailSchema, body);
  return start ? startStream(created.id, context) : show(created, context);
}

async function startStream(id: string, context: CommandContext): Promise<number> {
  const started = await context.client.call('POST', `${streamPath(id)}/start`, ROUTES.startStream.answer);
  const { target } = started;
  const text = fields([
    ['id', started.id],
    ['state', started.state],
    ...(target?.media ?? []).map(({ medium, url }) => [`send ${medium} to`, url] as const),
    ['send to', target?.media ? undefined : target?.url],
    ['host', target?.host],
    ['port', target && String(target.port)],
    ['passphrase', target?.passphrase],
    ['playlist', context.client.url + started.playlistPath],
  ]);
  return print(context, started, text);
}

function show(stream: Detail, context: CommandContext): number {
  const { runner } = stream;
  const text = fields([
    ['id', stream.id],
    ['name', stream.name],
    ['state', stream.state],
    ['since', stream.since],
    ['reason', stream.reason],
    ['access', stream.access],
    ['ingest', ingestWords(stream.ingest)],
    ['send to', stream.ingestUrl],
    ['playlist', context.client.url + stream.playlistPath],
    ['recorded', stream.record ? 'yes' : 'no'],
    ['source', sourceWords(runner?.['source'])],
    ['refused', refusedFeedWords(runner?.['refusedFeed'])],
  ]);
  const history = table(
    ['AT', 'STATE', 'REASON'],
    stream.history.map((entry) => [entry.at, entry.state, reasonInWords(entry)]),
  );
  const counters = counterRows(runner?.['counters']);
  const counted = counters.length === 0 ? '' : `\n\n${table(['COUNTED', ''], counters)}`;
  return print(context, stream, `${text}${counted}\n\n${history}`);
}

/** Prints each change of state until the one that is waited for; a failed stream ends the waiting. */
async function watchStream(
  { id, until, timeoutS }: Extract<Command, { kind: 'streams-watch' }>,
  context: CommandContext,
): Promise<number> {
  const deadlineMs = timeoutS === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutS * 1_000;
  let last = '';
  for (;;) {
    const { state, since, reason } = await detail(id, context);
    const line = `${since}  ${state}${reason === undefined ? '' : `  ${printable(reason)}`}`;
    if (line !== last) context.print(context.json ? JSON.stringify({ id, state, since, reason }) : line);
    last = line;
    if (state === until) return EXIT.ok;
    if (until !== undefined && state === 'failed') return EXIT.waitedInVain;
    if (Date.now() >= deadlineMs) return until === undefined ? EXIT.ok : EXIT.waitedInVain;
    await sleep(WATCH_POLL_MS);
  }
}

async function issueTicket(
  { viewerId, streams, ttlS }: Extract<Command, { kind: 'tickets-issue' }>,
  context: CommandContext,
): Promise<number> {
  const answer = await context.client.call('POST', '/v1/viewer-tickets', ROUTES.issueTicket.answer, {
    viewerId,
    streams,
    ...(ttlS === undefined ? {} : { ttlS }),
  });
  return print(context, answer, answer.ticket);
}

async function countViewers(context: CommandContext): Promise<number> {
  const counts = await context.client.call('GET', '/v1/viewers', ROUTES.countViewers.answer);
  const rows = Object.entries(counts.perStream).map(([id, count]) => [id, String(count)]);
  const summary = fields([
    ['viewers', `${counts.viewerCount} of ${counts.viewerCountMax}`],
    ['sessions', String(counts.sessionCount)],
  ]);
  return print(
    context,
    counts,
    rows.length === 0 ? summary : `${summary}\n\n${table(['STREAM', 'PANES'], rows)}`,
  );
}

/**
 * The link to the page. For premium streams it carries a ticket behind the #, which browsers send to nobody;
 * it opens one session, and it expires.
 */
async function openStreams(
  { ids, viewerId }: Extract<Command, { kind: 'open' }>,
  context: CommandContext,
): Promise<number> {
  const streams = await Promise.all(ids.map((id) => detail(id, context)));
  const premium = streams.filter(({ access }) => access === 'premium').map(({ id }) => id);
  const query = ids.map((id) => encodeURIComponent(id)).join(',');
  let link = `${context.client.url}/?streams=${query}`;
  if (premium.length > 0) {
    const answer = await context.client.call('POST', '/v1/viewer-tickets', ROUTES.issueTicket.answer, {
      viewerId,
      streams: ids,
      ttlS: 600,
    });
    link += `#ticket=${answer.ticket}`;
  }
  return print(context, { link }, link);
}

function print({ json, print: write }: CommandContext, answer: unknown, text: string): number {
  write(json ? JSON.stringify(answer, null, 2) : text);
  return EXIT.ok;
}

/** From the words of a command line to one command with all that it needs. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { STREAM_STATES, type StreamState } from '../../domain/stream.ts';
import { DEFAULT_URL, UsageError } from './usage.ts';

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'streams-list'; readonly limit: number | undefined }
  | {
      readonly kind: 'streams-create';
      readonly body: Readonly<Record<string, unknown>>;
      readonly start: boolean;
    }
  | {
      readonly kind: 'streams-show' | 'streams-start' | 'streams-stop' | 'streams-delete';
      readonly id: string;
    }
  | {
      readonly kind: 'streams-watch';
      readonly id: string;
      readonly until: StreamState | undefined;
      readonly timeoutS: number | undefined;
    }
  | {
      readonly kind: 'tickets-issue';
      readonly viewerId: string;
      readonly streams: '*' | readonly string[];
      readonly ttlS: number | undefined;
    }
  | { readonly kind: 'viewers-count' }
  | { readonly kind: 'open'; readonly ids: readonly string[]; readonly viewerId: string };

export interface Invocation {
  readonly command: Command;
  readonly url: string;
  readonly token: string | undefined;
  readonly json: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const OPTIONS = {
  help: { type: 'boolean', short: 'h' },
  url: { type: 'string' },
  token: { type: 'string' },
  json: { type: 'boolean' },
  limit: { type: 'string' },
  id: { type: 'string' },
  open: { type: 'boolean' },
  record: { type: 'boolean' },
  start: { type: 'boolean' },
  latency: { type: 'string' },
  'frame-rate': { type: 'string' },
  'signal-loss': { type: 'string' },
  'srt-call': { type: 'string' },
  'srt-stream-id': { type: 'string' },
  rtp: { type: 'boolean' },
  sdp: { type: 'string' },
  source: { type: 'string', multiple: true },
  until: { type: 'string' },
  timeout: { type: 'string' },
  streams: { type: 'string' },
  ttl: { type: 'string' },
  viewer: { type: 'string' },
} as const;

/** Options of every command. */
const COMMON = ['help', 'url', 'token', 'json'];
const CREATE = ['id', 'open', 'record', 'start', 'latency', 'frame-rate', 'signal-loss', 'srt-call'];
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'streams list': ['limit'],
  'streams create': [...CREATE, 'srt-stream-id', 'rtp', 'sdp', 'source'],
  'streams watch': ['until', 'timeout'],
  'tickets issue': ['streams', 'ttl'],
  open: ['viewer'],
};

type Values = ReturnType<typeof parsedWords>['values'];

/** @throws UsageError */
export function parseInvocation(words: readonly string[], environment: Environment): Invocation {
  const { values, positionals } = parsedWords(words);
  const url = values.url ?? environment['MIRROR_URL'] ?? DEFAULT_URL;
  if (!/^https?:\/\//.test(url)) throw new UsageError(`"${url}" is not a URL such as ${DEFAULT_URL}`);
  // A variable that is set to nothing is as good as none.
  const token = (values.token ?? environment['MIRROR_TOKEN']) || undefined;
  if (token !== undefined && !/^[A-Za-z0-9._~+/=-]+$/.test(token))
    throw new UsageError('The token holds characters that no token has');
  return {
    command:
      values.help === true || positionals.length === 0
        ? { kind: 'help' }
        : command(positionals, values, environment),
    url,
    token,
    json: values.json === true,
  };
}

function parsedWords(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function command(positionals: readonly string[], values: Values, environment: Environment): Command {
  const [first = '', second = ''] = positionals;
  const name = first === 'open' ? 'open' : `${first} ${second}`;
  const rest = positionals.slice(first === 'open' ? 1 : 2);
  for (const option of Object.keys(values))
    if (![...COMMON, ...(ALLOWED[name] ?? [])].includes(option))
      throw new UsageError(`mirror ${name} takes no --${option}`);
  switch (name) {
    case 'streams list':
      none(name, rest);
      return { kind: 'streams-list', limit: wholeNumber('limit', values.limit) };
    case 'streams create':
      return {
        kind: 'streams-create',
        body: createBody(one(name, rest, 'NAME'), values, environment),
        start: values.start === true,
      };
    case 'streams show':
      return { kind: 'streams-show', id: one(name, rest, 'ID') };
    case 'streams start':
      return { kind: 'streams-start', id: one(name, rest, 'ID') };
    case 'streams stop':
      return { kind: 'streams-stop', id: one(name, rest, 'ID') };
    case 'streams delete':
      return { kind: 'streams-delete', id: one(name, rest, 'ID') };
    case 'streams watch':
      return {
        kind: 'streams-watch',
        id: one(name, rest, 'ID'),
        until: state(values.until),
        timeoutS: wholeNumber('timeout', values.timeout),
      };
    case 'tickets issue':
      return {
        kind: 'tickets-issue',
        viewerId: one(name, rest, 'VIEWER'),
        streams: values.streams === undefined || values.streams === '*' ? '*' : values.streams.split(','),
        ttlS: wholeNumber('ttl', values.ttl),
      };
    case 'viewers count':
      none(name, rest);
      return { kind: 'viewers-count' };
    case 'open':
      if (rest.length === 0) throw new UsageError('mirror open needs the ID of a stream');
      return { kind: 'open', ids: rest, viewerId: values.viewer ?? 'operator' };
    default:
      throw new UsageError(noSuchCommand(first, second));
  }
}

/** The second words of the commands, by their first. */
const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  streams: ['list', 'create', 'show', 'start', 'stop', 'watch', 'delete'],
  tickets: ['issue'],
  viewers: ['count'],
};

function noSuchCommand(first: string, second: string): string {
  const known = SUBCOMMANDS[first];
  if (!known) return `There is no command "${first}"`;
  const wanted = `mirror ${first} wants one of ${known.join(', ')}`;
  return second === '' ? wanted : `${wanted}, not "${second}"`;
}

function createBody(
  name: string,
  values: Values,
  environment: Environment,
): Readonly<Record<string, unknown>> {
  return {
    name,
    ingest: ingestOf(values, environment),
    ...(values.id === undefined ? {} : { id: values.id }),
    ...(values.open === true ? { access: 'open' } : {}),
    ...(values.record === true ? { record: true } : {}),
    ...optional('frameRate', wholeNumber('frame-rate', values['frame-rate'])),
    ...optional('signalLoss', values['signal-loss']),
  };
}

function ingestOf(values: Values, environment: Environment): Readonly<Record<string, unknown>> {
  const kinds = (['srt-call', 'rtp', 'sdp'] as const).filter((kind) => values[kind] !== undefined);
  if (kinds.length > 1) throw new UsageError('Only one of --srt-call, --rtp and --sdp can be given');
  const allowedSources = optional('allowedSources', values.source);
  if (values.rtp === true || values.sdp !== undefined) {
    for (const option of ['latency', 'srt-stream-id'] as const)
      if (values[option] !== undefined) throw new UsageError(`--${option} is for SRT, not for RTP`);
  }
  if (values.rtp === true) return { protocol: 'rtp-mpegts', ...allowedSources };
  if (values.sdp !== undefined) return { protocol: 'rtp-sdp', sdp: fileText(values.sdp), ...allowedSources };
  if (values.source !== undefined) throw new UsageError('--source is for RTP; SRT has a passphrase');
  const srt = {
    ...optional('latencyMs', wholeNumber('latency', values.latency)),
    ...optional('streamId', values['srt-stream-id']),
  };
  const target = values['srt-call'];
  if (target === undefined) return { protocol: 'srt-listener', ...srt };
  const match = /^\[?([^[\]]+?)\]?:(\d{1,5})$/.exec(target);
  if (!match) throw new UsageError('--srt-call wants HOST:PORT');
  const passphrase = optional('passphrase', environment['MIRROR_PASSPHRASE']);
  return { protocol: 'srt-caller', host: match[1], port: Number(match[2]), ...srt, ...passphrase };
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new UsageError(`The file "${path}" cannot be read`);
  }
}

function optional<Value>(name: string, value: Value | undefined): Readonly<Record<string, Value>> {
  return value === undefined ? {} : { [name]: value };
}

function one(name: string, rest: readonly string[], what: string): string {
  const [value] = rest;
  if (value === undefined || rest.length > 1) throw new UsageError(`mirror ${name} needs one ${what}`);
  return value;
}

function none(name: string, rest: readonly string[]): void {
  if (rest.length > 0) throw new UsageError(`mirror ${name} takes no "${rest.join(' ')}"`);
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${option} wants a whole number`);
  return Number(text);
}

function state(text: string | undefined): StreamState | undefined {
  const known = STREAM_STATES.find((candidate) => candidate === text);
  if (text !== undefined && known === undefined)
    throw new UsageError(`--until wants one of ${STREAM_STATES.join(', ')}`);
  return known;
}

/** `npm start`: the whole platform on this machine. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '../adapters/clock-system.ts';
import { ConsoleLog } from '../adapters/log-console.ts';
import { LOG_LEVELS } from '../adapters/log-level.ts';
import { onParentGone } from '../adapters/parent-process.ts';
import { MirrorError, messageOf } from '../domain/errors.ts';
import { HELP, parseOptions } from './options.ts';
import { LocalPlatform } from './platform.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Whatever hangs at the end, the terminal is given back by then. */
const END_MAX_MS = 1_900;
const EXIT_USAGE = 2;

async function main(): Promise<number> {
  const parsed = parseOptions(process.argv.slice(2), process.env['MIRROR_PLAYBACK_TTL_S']);
  if (parsed.kind === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  if (parsed.kind === 'bad') {
    process.stderr.write(`${parsed.message}. See npm start -- --help.\n`);
    return EXIT_USAGE;
  }
  const ending = new AbortController();
  const end = () => {
    if (ending.signal.aborted) return;
    ending.abort();
    setTimeout(() => process.exit(0), END_MAX_MS).unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  // Whoever started this program with a channel is gone.
  onParentGone(end);
  // What a person must know is printed in words; the log is for when something is wrong.
  const logLevel = LOG_LEVELS.find((level) => level === process.env['MIRROR_LOG']) ?? 'warn';
  const clock = new SystemClock();
  const log = new ConsoleLog({
    clock,
    write: (line) => void process.stderr.write(line),
    level: logLevel,
    colour: process.stderr.isTTY,
  });
  // What npm says of Node's versions is enough; the AWS SDK would say more in every process.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  // The clients of Redis and S3 are loaded only where they are used.
  const Platform = parsed.options.separate
    ? (await import('./separate/platform.ts')).SeparatePlatform
    : LocalPlatform;
  const platform = new Platform({
    root: ROOT,
    options: parsed.options,
    clock,
    log,
    logLevel,
    print: (text) => void process.stdout.write(text),
  });
  await platform.run(ending.signal);
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}${error instanceof MirrorError ? ` ${error.remedy}` : ''}\n`);
    if (!(error instanceof MirrorError) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);

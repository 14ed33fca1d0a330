/** The command-line client: reads the words, runs the command, and says how it went by its exit code. */
import { messageOf } from '../../domain/errors.ts';
import { type Invocation, parseInvocation } from './arguments.ts';
import { ApiClient, ApiError } from './client.ts';
import { runCommand } from './commands.ts';
import { printable } from './table.ts';
import { EXIT, HELP, UsageError } from './usage.ts';

export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** @returns the exit code. */
export async function main(words: readonly string[], terminal: Terminal): Promise<number> {
  const { stdout, stderr, environment } = terminal;
  let invocation: Invocation;
  try {
    invocation = parseInvocation(words, environment);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    stderr.write(`${error.message}. See mirror --help.\n`);
    return EXIT.usage;
  }
  const { command, url, token, json } = invocation;
  if (command.kind === 'help') {
    stdout.write(HELP);
    return EXIT.ok;
  }
  try {
    return await runCommand(command, {
      client: new ApiClient({ url, token }),
      json,
      print: (text) => void stdout.write(`${text}\n`),
    });
  } catch (error) {
    if (!(error instanceof ApiError)) {
      stderr.write(`${printable(messageOf(error))}\n`);
      return EXIT.failed;
    }
    if (json && error.problem) stdout.write(`${JSON.stringify(error.problem, null, 2)}\n`);
    stderr.write(`${error.message.split('\n').map(printable).join('\n')}\n`);
    if (error.exitCode === EXIT.unauthorized && token === undefined)
      stderr.write('Give a token with MIRROR_TOKEN or --token.\n');
    return error.exitCode;
  }
}

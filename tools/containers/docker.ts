/** The docker command, aimed at one daemon. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const MAX_KEPT_OUTPUT_CHARACTERS = 20_000;

export interface Answer {
  readonly exitCode: number;
  /** Both outputs; the end of it when there is much. */
  readonly output: string;
}

export class Docker {
  /** Program and host, for whoever makes another of these in another process. */
  readonly address: readonly string[];
  readonly #program: string;
  readonly #environment: NodeJS.ProcessEnv;

  /** @param host such as `unix:///var/run/docker.sock`; undefined: as docker itself would choose. */
  constructor(program: string, host: string | undefined) {
    this.#program = program;
    this.address = host === undefined ? [program] : [program, host];
    this.#environment = {
      ...process.env,
      DOCKER_BUILDKIT: '1',
      BUILDKIT_PROGRESS: 'plain',
      ...(host !== undefined && { DOCKER_HOST: host }),
    };
  }

  /** Runs to its end, whatever the exit code. */
  async ask(...args: string[]): Promise<Answer> {
    return await runToEnd(this.#program, args, { environment: this.#environment });
  }

  /** @throws Error with what docker said, when it fails. */
  async run(...args: string[]): Promise<string> {
    const { exitCode, output } = await this.ask(...args);
    if (exitCode !== 0) throw new Error(`docker ${args.slice(0, 3).join(' ')} failed:\n${output}`);
    return output.trim();
  }
}

/** A command with both outputs gathered. */
export async function runToEnd(
  program: string,
  args: readonly string[],
  options: { readonly environment?: NodeJS.ProcessEnv; readonly directory?: string } = {},
): Promise<Answer> {
  const child = spawn(program, args, {
    env: options.environment ?? process.env,
    ...(options.directory !== undefined && { cwd: options.directory }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-MAX_KEPT_OUTPUT_CHARACTERS);
    });
  }
  const [exitCode] = await once(child, 'close');
  return { exitCode: typeof exitCode === 'number' ? exitCode : 1, output };
}

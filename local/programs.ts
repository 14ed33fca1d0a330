/** The programs that run as children. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { ChildProgram } from './child-process.ts';
import { localErrors } from './errors.ts';

export interface ChildPrograms {
  readonly runner: ChildProgram;
  readonly demoFeeds: ChildProgram;
}

const CHECK_TIMEOUT_MS = 30_000;

export async function preparePrograms(root: string): Promise<ChildPrograms> {
  const program = (file: string): ChildProgram => ({
    file: join(root, file),
    execArgv: ['--import', 'tsx'],
    workingDirectory: root,
  });
  return { runner: program('gpu-runner/main.ts'), demoFeeds: program('tools/feeds/demo.ts') };
}

/**
 * Loads the media library once in a process of its own, so that a machine where it does not run gets one
 * sentence and not a stream of crashes.
 *
 * @throws MirrorError LOCAL_CODEC_MISSING.
 */
export async function checkCodecs(root: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', "await import('node-av/lib')"],
      { cwd: root, timeout: CHECK_TIMEOUT_MS },
      (error, _stdout, stderr) => {
        if (!error) resolve();
        else reject(localErrors.create('CODEC_MISSING', reasonIn(stderr), { cause: error }));
      },
    );
  });
}

/** Node prints a source line and a stack around the one line that says what is wrong. */
function reasonIn(stderr: string): string | undefined {
  const line = stderr.split('\n').find((text) => /^\w*Error\b.*: /.test(text));
  return line === undefined ? undefined : `(${line.trim()})`;
}

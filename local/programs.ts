/**
 * The programs that run as children. They are bundled once at the start: a bundled runner is up in 0.6 s with
 * 100 MB and half a second of CPU, one that compiles its TypeScript itself in 1.6 s with 137 MB and 1.5 s of
 * CPU, times the number of streams.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type OutputFile } from 'esbuild';
import { messageOf } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { Hardware } from '../domain/stream.ts';
import type { ChildProgram } from './child-process.ts';
import { localErrors } from './errors.ts';

export interface ChildPrograms {
  readonly runner: ChildProgram;
  readonly demoFeeds: ChildProgram;
}

const SOURCES = { runner: 'gpu-runner/main.ts', demoFeeds: 'tools/feeds/demo.ts' } as const;
/** Native code, and packages that only the cloud's adapters load, by themselves, when asked for. */
const NOT_BUNDLED = ['node-av', 'node-av/*', '@aws-sdk/*', 'ioredis'];
/** Bundles have a hash in their names; those of earlier versions go after this time. */
const BUNDLE_KEPT_MS = 86_400_000;
const CHECK_TIMEOUT_MS = 30_000;

export function preparePrograms(root: string, log: Log): Promise<ChildPrograms> {
  return prepareFrom(root, log, SOURCES);
}

/** Where the checkout cannot be written, the children compile for themselves. */
export async function prepareFrom<Name extends string>(
  root: string,
  log: Log,
  sources: Readonly<Record<Name, string>>,
): Promise<Readonly<Record<Name, ChildProgram>>> {
  try {
    return await bundlePrograms(root, sources);
  } catch (error) {
    log.warn('bundling-failed', { reason: messageOf(error) });
    const program = (source: string): ChildProgram => ({
      file: join(root, source),
      execArgv: ['--import', 'tsx'],
      workingDirectory: root,
    });
    return eachOf(sources, (name) => program(sources[name]));
  }
}

function eachOf<Name extends string, Value>(
  sources: Readonly<Record<Name, string>>,
  valueOf: (name: Name) => Value,
): Readonly<Record<Name, Value>> {
  // Object.keys forgets the type of the keys.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const names = Object.keys(sources) as Name[];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<Name, Value>;
}

async function bundlePrograms<Name extends string>(
  root: string,
  sources: Readonly<Record<Name, string>>,
): Promise<Readonly<Record<Name, ChildProgram>>> {
  const directory = join(root, 'dist', 'local');
  const result = await build({
    absWorkingDir: root,
    entryPoints: { ...sources },
    outdir: directory,
    entryNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outExtension: { '.js': '.mjs' },
    // Packages in CommonJS call require for Node's own modules.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
    external: NOT_BUNDLED,
    sourcemap: 'linked',
    sourcesContent: false,
    write: false,
    logLevel: 'silent',
  });
  await mkdir(directory, { recursive: true });
  await Promise.all(result.outputFiles.map(place));
  await removeOldBundles(directory);
  const program = (name: Name): ChildProgram => {
    const file = result.outputFiles.find(({ path }) =>
      new RegExp(`[\\\\/]${name}-[^\\\\/]*\\.mjs$`).test(path),
    );
    if (!file) throw new Error(`The bundle of ${name} is missing.`);
    // A small young generation: 13 MB less for each, at the same CPU. Collecting it is less work than waking
    // the threads that would share it.
    const execArgv = ['--enable-source-maps', '--max-semi-space-size=2', '--single-threaded-gc'];
    return { file: file.path, execArgv, workingDirectory: root };
  };
  return eachOf(sources, program);
}

/** Another mirror may be starting from the same checkout: a file is there whole or not at all. */
async function place(file: OutputFile): Promise<void> {
  const temporary = `${file.path}.${process.pid}`;
  await writeFile(temporary, file.contents);
  await rename(temporary, file.path);
}

async function removeOldBundles(directory: string): Promise<void> {
  const oldestKeptMs = Date.now() - BUNDLE_KEPT_MS;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if ((await stat(path)).mtimeMs < oldestKeptMs) await rm(path, { force: true });
  }
}

const NO_NVIDIA_EXIT_CODE = 3;
const LOAD = `const { HardwareDeviceContext } = await import('node-av/lib');`;
const TRY_NVIDIA = `${LOAD}
const { AV_HWDEVICE_TYPE_CUDA } = await import('node-av/constants');
const device = new HardwareDeviceContext();
if (device.create(AV_HWDEVICE_TYPE_CUDA) < 0) process.exit(${NO_NVIDIA_EXIT_CODE});
device.free();`;

/**
 * Loads the media library once in a process of its own, so that a machine where it does not run gets one
 * sentence and not a stream of crashes; and opens the GPU, when nothing else will do.
 *
 * @throws MirrorError LOCAL_CODEC_MISSING, LOCAL_NO_NVIDIA.
 */
export async function checkCodecs(root: string, hardware: Hardware): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(
      process.execPath,
      ['--input-type=module', '--eval', hardware === 'nvidia' ? TRY_NVIDIA : LOAD],
      { cwd: root, timeout: CHECK_TIMEOUT_MS },
      (error, _stdout, stderr) => {
        if (!error) resolve();
        else if (error.code === NO_NVIDIA_EXIT_CODE) reject(localErrors.create('NO_NVIDIA'));
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

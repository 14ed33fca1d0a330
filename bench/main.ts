/** `npm run bench`: what the platform reaches on this machine. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '../domain/errors.ts';
import { installPrograms } from '../tools/prerequisites.ts';
import { BENCHES } from './benches.ts';
import { writeBenchmarksPage } from './benchmarks-page.ts';
import { ROOT } from './platform.ts';
import { type Bench, type BenchResult, isMet, type Machine, tableText } from './result.ts';

const RESULTS_FOLDER = join(ROOT, 'bench-results');
const PAGE_PATH = join(ROOT, 'docs', 'benchmarks.md');

const HELP = `npm run bench -- [options]

  --only NAME   one bench; may be repeated
  --quick       short runs, for orientation
  --page        writes docs/benchmarks.md from the newest results (alone: without measuring)
  --list        names of the benches

Results go to bench-results/ as JSON. Nothing else should run on the machine meanwhile.
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      quick: { type: 'boolean', default: false },
      page: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      'in-process': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.list) {
    for (const { name, title } of BENCHES) process.stdout.write(`${name.padEnd(16)} ${title}\n`);
    return 0;
  }
  await mkdir(RESULTS_FOLDER, { recursive: true });
  const onlyPage = values.page && values.only === undefined;
  const unknown = (values.only ?? []).filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`There is no bench ${unknown.join(', ')}. See npm run bench -- --list.\n`);
    return 2;
  }
  const chosen = onlyPage
    ? []
    : BENCHES.filter(({ name, onlyWhenNamed }) => values.only?.includes(name) ?? !onlyWhenNamed);
  if (!values['in-process']) {
    const problem = installPrograms([...new Set(chosen.flatMap(({ needs = [] }) => needs))], 'npm run bench');
    if (problem !== undefined) {
      process.stderr.write(`${problem}\n`);
      return 1;
    }
  }
  let failedCount = 0;
  for (const bench of chosen) {
    const passed = values['in-process'] ? await runBench(bench, values.quick) : runApart(bench, values.quick);
    if (!passed) failedCount += 1;
  }
  if (values.page) {
    const count = await writeBenchmarksPage(RESULTS_FOLDER, PAGE_PATH);
    process.stdout.write(`docs/benchmarks.md holds ${count} benches.\n`);
  }
  return failedCount === 0 ? 0 : 1;
}

/**
 * Each bench has a process of its own: none inherits the memory of another, and a process that has used SRT
 * must not start children any more (tools/feeds/feed-process.ts).
 */
function runApart(bench: Bench, quick: boolean): boolean {
  const args = ['--import', 'tsx', fileURLToPath(import.meta.url), '--in-process', '--only', bench.name];
  const child = spawnSync(process.execPath, [...args, ...(quick ? ['--quick'] : [])], {
    stdio: 'inherit',
    env: { ...process.env, UV_THREADPOOL_SIZE: '16', MALLOC_ARENA_MAX: '2' },
  });
  return child.status === 0;
}

/** @returns false when the bench broke down. A missed target is a result. */
async function runBench(bench: Bench, quick: boolean): Promise<boolean> {
  process.stdout.write(`\n${bench.title}\n`);
  const startedAt = new Date();
  const at = { machine: machine(), commit: commit(), loadAverage: loadavg()[0] ?? Number.NaN };
  try {
    const outcome = await bench.run({ quick, say: (line) => process.stdout.write(`  ${line}\n`) });
    const result: BenchResult = {
      name: bench.name,
      title: bench.title,
      startedAt: startedAt.toISOString(),
      durationS: Math.round((Date.now() - startedAt.getTime()) / 1000),
      command: `npm run bench -- --only ${bench.name}${quick ? ' --quick' : ''}`,
      quick,
      ...at,
      ...outcome,
    };
    const file = join(RESULTS_FOLDER, `${startedAt.toISOString().replaceAll(':', '-')}-${bench.name}.json`);
    await writeFile(file, `${JSON.stringify(result, undefined, 1)}\n`);
    process.stdout.write(`${tableText(result.measures)}\n`);
    for (const note of result.notes) process.stdout.write(`  ${note}\n`);
    const missedCount = result.measures.filter((measure) => isMet(measure) === false).length;
    if (missedCount > 0) process.stdout.write(`  ${missedCount} targets missed.\n`);
    return true;
  } catch (error) {
    process.stdout.write(`  The bench broke down: ${messageOf(error)}\n`);
    return false;
  }
}

function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    coreCount: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  },
);

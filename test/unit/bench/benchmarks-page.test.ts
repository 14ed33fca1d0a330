import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeBenchmarksPage } from '../../../bench/benchmarks-page.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-page-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function measured(name: string, value: number): Promise<void> {
  const result = {
    name,
    title: `Of ${name}`,
    startedAt: '2026-11-29T12:00:00.000Z',
    durationS: 60,
    command: `npm run bench -- --only ${name}`,
    quick: false,
    machine: { cpu: 'a CPU', coreCount: 2, memoryGiB: 24, kernel: '6', node: '20' },
    commit: 'abc',
    loadAverage: 0.1,
    measures: [{ what: 'latency', value, unit: 'ms', atMost: 40 }],
    notes: ['A note.'],
  };
  await writeFile(join(folder, `2026-${value}-${name}.json`), JSON.stringify(result));
}

test('a bench that was measured replaces its section, and those that were not stay as they are', async () => {
  const page = join(folder, 'page.md');
  await measured('one', 30);
  await measured('two', 50);
  expect(await writeBenchmarksPage(folder, page)).toBe(2);
  const first = await readFile(page, 'utf8');
  await rm(join(folder, '2026-30-one.json'));
  await rm(join(folder, '2026-50-two.json'));
  await measured('two', 35);
  expect(await writeBenchmarksPage(folder, page)).toBe(2);
  const second = await readFile(page, 'utf8');
  expect(second).toBe(
    first.replace('| 50 ms | at most 40 ms | **missed** |', '| 35 ms | at most 40 ms | met |'),
  );
});

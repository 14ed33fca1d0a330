import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type BenchMachines, openTwoMachines } from '../../../bench/two-machines.ts';
import { messageOf } from '../../../domain/errors.ts';

const NAMESPACES = '/run/netns';
const ours = () =>
  existsSync(NAMESPACES)
    ? readdirSync(NAMESPACES).filter((name) => name.startsWith(`mirror-bench-${process.pid}-`))
    : [];

/** @returns how many namespaces there were meanwhile, and the CPU of a program on the clients' machine. */
function useTwoMachines(): { namespaceCount: number; cpu: string | undefined } | 'not permitted' {
  let machines: BenchMachines;
  try {
    machines = openTwoMachines();
  } catch (error) {
    process.stdout.write(`Not permitted here: ${messageOf(error)}\n`);
    return 'not permitted';
  }
  const namespaceCount = ours().length;
  const [command = '', ...prefix] = machines.clients.prefix;
  const status = execFileSync(command, [...prefix, 'cat', '/proc/self/status'], { encoding: 'utf8' });
  machines.close();
  return { namespaceCount, cpu: /^Cpus_allowed_list:\t(.*)$/m.exec(status)?.[1] };
}

test('two machines have a CPU each, and nothing is left of them, whether they were permitted or not', () => {
  expect([{ namespaceCount: 2, cpu: '1' }, 'not permitted']).toContainEqual(useTwoMachines());
  expect(ours()).toEqual([]);
});

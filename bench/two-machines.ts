/**
 * Two machines of one core each, made of this one: two network namespaces joined by a virtual cable (ip-netns(8),
 * veth(4)). Over loopback a program's write() runs the receiver's part of TCP as well, and the scheduler moves
 * the programs about; here each side has a CPU for itself, its kernel's work for the network included.
 * Needs root on Linux, and two CPUs.
 */
import { execFileSync } from 'node:child_process';

export interface BenchMachine {
  /** Where programs on it can be reached. */
  readonly host: string;
  /** What stands before a command to run it there. */
  readonly prefix: readonly string[];
}

export interface BenchMachines {
  readonly kind: 'two-machines' | 'loopback';
  readonly origin: BenchMachine;
  readonly clients: BenchMachine;
  close(): void;
}

const LOCAL: BenchMachine = { host: '127.0.0.1', prefix: [] };

export const LOOPBACK: BenchMachines = {
  kind: 'loopback',
  origin: LOCAL,
  clients: LOCAL,
  close: () => undefined,
};

/** For documentation (RFC 5737): nobody's, and reachable from nowhere but the two. */
const ADDRESSES = { origin: '192.0.2.1', clients: '192.0.2.2' } as const;
const CPUS = { origin: 0, clients: 1 } as const;
const SIDES = ['origin', 'clients'] as const;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Network interfaces have names of their own in each namespace. */
const DEVICE = 'cable0';

type Side = (typeof SIDES)[number];

/** @throws Error when this machine does not permit it; nothing is left behind. */
export function openTwoMachines(): BenchMachines {
  const namespaceOf = (side: Side) => `mirror-bench-${process.pid}-${side}`;
  const close = () => {
    for (const signal of SIGNALS) process.off(signal, closeAndEnd);
    process.off('exit', close);
    // With its namespace a cable goes.
    for (const side of SIDES) runQuietly('ip', 'netns', 'del', namespaceOf(side));
  };
  const closeAndEnd = (signal: NodeJS.Signals) => {
    close();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, closeAndEnd);
  process.on('exit', close);
  try {
    for (const side of SIDES) run('ip', 'netns', 'add', namespaceOf(side));
    const end = (side: Side) => ['name', DEVICE, 'netns', namespaceOf(side)];
    run('ip', 'link', 'add', ...end('origin'), 'type', 'veth', 'peer', ...end('clients'));
    return {
      kind: 'two-machines',
      origin: openMachine('origin', namespaceOf('origin')),
      clients: openMachine('clients', namespaceOf('clients')),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function openMachine(side: Side, namespace: string): BenchMachine {
  const cpu = CPUS[side];
  const prefix = ['ip', 'netns', 'exec', namespace, 'taskset', '--cpu-list', String(cpu)] as const;
  run('ip', '-n', namespace, 'address', 'add', `${ADDRESSES[side]}/30`, 'dev', DEVICE);
  run('ip', '-n', namespace, 'link', 'set', DEVICE, 'up');
  // Receive Packet Steering: what comes in is dealt with on this side's CPU, not on the sender's.
  const steer = `for queue in /sys/class/net/${DEVICE}/queues/rx-*; do echo ${(1 << cpu).toString(16)} > $queue/rps_cpus; done`;
  run(...prefix, 'sh', '-e', '-c', steer);
  return { host: ADDRESSES[side], prefix };
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function runQuietly(command: string, ...args: readonly string[]): void {
  try {
    run(command, ...args);
  } catch {
    // What was never made cannot be removed; that is all this can meet.
  }
}

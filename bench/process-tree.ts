/** CPU and memory of a process and all that it started, from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessSample {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: string;
  /** User and system time since its start. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** USER_HZ is 100 on every Linux that runs Node (proc(5)). */
const MS_PER_TICK = 10;
const PAGE_BYTES = 4096;

/** The process and its descendants. */
export function processTree(rootPid: number): ProcessSample[] {
  const all = readdirSync('/proc').flatMap((name) =>
    /^\d+$/.test(name) ? (sample(Number(name)) ?? []) : [],
  );
  const wanted = new Set([rootPid]);
  for (let before = 0; before !== wanted.size; ) {
    before = wanted.size;
    for (const { pid, parentPid } of all) if (wanted.has(parentPid)) wanted.add(pid);
  }
  return all.filter(({ pid }) => wanted.has(pid));
}

/** CPU time of one group of processes between two samples, as a share of one core. */
export function coresUsed(
  before: readonly ProcessSample[],
  after: readonly ProcessSample[],
  wallMs: number,
  matches: (process: ProcessSample) => boolean = () => true,
): number {
  const earlier = new Map(before.map((process) => [process.pid, process.cpuMs]));
  const cpuMs = after
    .filter(matches)
    .reduce((sum, process) => sum + process.cpuMs - (earlier.get(process.pid) ?? 0), 0);
  return cpuMs / wallMs;
}

/** @returns undefined for a process that ended meanwhile. */
export function sample(pid: number): ProcessSample | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold anything; the numbers follow the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (number: number) => Number(fields[number - 3]);
    return {
      pid,
      parentPid: field(4),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
      cpuMs: (field(14) + field(15)) * MS_PER_TICK,
      residentBytes: field(24) * PAGE_BYTES,
    };
  } catch {
    return undefined;
  }
}

/** Of all cores together since the machine started; what matters is the difference of two calls. */
export function machineTimes(): { busyMs: number; stolenMs: number; totalMs: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = line.trim().split(/\s+/).slice(1).map(Number);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  const total = ticks.slice(0, 8).reduce((sum, value) => sum + value, 0);
  const stolen = ticks[7] ?? 0;
  return {
    busyMs: (total - idle) * MS_PER_TICK,
    stolenMs: stolen * MS_PER_TICK,
    totalMs: total * MS_PER_TICK,
  };
}

export interface ProcessMemory {
  readonly residentBytes: number;
  /** What no other process shares: what would be free if this one ended. */
  readonly privateBytes: number;
}

/** @throws Error when there is no such process. */
export function memoryOf(pid: number): ProcessMemory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kibibytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1] ?? Number.NaN);
  const bytes = (...fields: string[]) => fields.reduce((sum, field) => sum + kibibytes(field) * 1024, 0);
  return { residentBytes: bytes('Rss'), privateBytes: bytes('Private_Clean', 'Private_Dirty') };
}

/** What a bench says: numbers with units and targets, and what else is worth knowing. */
import type { ProgramName } from '../tools/prerequisites.ts';

export interface Measure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The greatest (or least) value that is good enough; absent for numbers that are only reported. */
  readonly atMost?: number | undefined;
  readonly atLeast?: number;
}

export interface BenchOutcome {
  readonly measures: readonly Measure[];
  /** Sentences for the reader: conditions, fairness, where time goes. */
  readonly notes: readonly string[];
  /** Everything that was recorded, for later questions. */
  readonly detail?: unknown;
}

export interface BenchContext {
  /** Shorter runs with the same code: numbers are then orientation only. */
  readonly quick: boolean;
  /** One line about what happens now. */
  readonly say: (line: string) => void;
}

export interface Bench {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  /** Programs besides Node. */
  readonly needs?: readonly ProgramName[];
  /** Takes so long that it runs only when `--only` names it. */
  readonly onlyWhenNamed?: boolean;
  run(context: BenchContext): Promise<BenchOutcome>;
}

export interface BenchResult extends BenchOutcome {
  readonly name: string;
  readonly title: string;
  readonly startedAt: string;
  readonly durationS: number;
  readonly command: string;
  readonly quick: boolean;
  readonly machine: Machine;
  readonly commit: string;
  /** Of the last minute before the start: well below the number of cores on a quiet machine. */
  readonly loadAverage?: number;
}

export interface Machine {
  readonly cpu: string;
  readonly coreCount: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

/** @returns undefined when there is no target. */
export function isMet({ value, atMost, atLeast }: Measure): boolean | undefined {
  if (atMost === undefined && atLeast === undefined) return undefined;
  return value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity);
}

export function targetText({ atMost, atLeast, unit }: Measure): string {
  if (atMost !== undefined) return `at most ${format(atMost)} ${unit}`;
  if (atLeast !== undefined) return `at least ${format(atLeast)} ${unit}`;
  return '';
}

export function format(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 10 ? 2 : 1 });
}

/** A table for the terminal. */
export function tableText(measures: readonly Measure[]): string {
  const rows = measures.map((measure) => {
    const met = isMet(measure);
    const verdict = met === undefined ? '' : met ? 'met' : 'MISSED';
    return [measure.what, `${format(measure.value)} ${measure.unit}`, targetText(measure), verdict];
  });
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('   ')}`.trimEnd())
    .join('\n');
}

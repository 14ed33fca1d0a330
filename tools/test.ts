/**
 * `npm test`: brings what the tests need, runs them, and ends with one line that says how it went. Arguments
 * go to vitest: `npm test -- test/unit/hls`, `npm test -- -t "blocking reload"`.
 */
import { parseCLI, startVitest, type TestCase, type Vitest } from 'vitest/node';
import { watchOutput } from './planted-secrets.ts';
import { installPrograms } from './prerequisites.ts';

/** Tests that may be skipped in CI: the beginning of their full name, and why. Anything else there fails. */
const EXPECTED_SKIPS: readonly { readonly name: string; readonly because: string }[] = [
  {
    name: 'test/unit/adapters/media-store-disk.test.ts > a full disk',
    because: 'only root may mount the small file system that gets full',
  },
];

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);

if (needsPrograms(filter)) {
  const problem = installPrograms(['redis-server', 'Chromium'], 'npm test');
  if (problem) {
    process.stderr.write(`${problem} (npm test -- test/unit runs what needs nothing else.)\n`);
    process.exit(1);
  }
}

const output = watchOutput();
const vitest = await startVitest('test', filter, { ...options, watch: false, run: true });
const summary = summarize(vitest);
await vitest.close();

const isNarrowed = options.testNamePattern !== undefined;
const surprises = isNarrowed ? [] : summary.skipped.filter((name) => !isExpectedSkip(name));
for (const name of surprises) process.stdout.write(`skipped: ${name}\n`);
if (surprises.length > 0 && process.env.CI)
  process.stdout.write('These skips are not in EXPECTED_SKIPS of tools/test.ts, so this run fails.\n');
const skippedText = summary.skipped.length > 0 ? `, ${summary.skipped.length} skipped` : '';
process.stdout.write(`\n${summary.passedCount} passed, ${summary.failedCount} failed${skippedText}\n`);

// A copy: the report itself is output.
const leaks = [...output.found];
for (const place of leaks) process.stdout.write(`a planted secret was printed: ${place}\n`);

const nothingRan = summary.passedCount + summary.failedCount === 0;
const isGreen =
  summary.failedCount === 0 && leaks.length === 0 && !nothingRan && !(process.env.CI && surprises.length > 0);
process.exit(isGreen ? 0 : 1);

/** Unit tests need nothing but the packages. */
function needsPrograms(filters: readonly string[]): boolean {
  return filters.length === 0 || filters.some((one) => !one.includes('test/unit'));
}

interface Summary {
  readonly passedCount: number;
  /** Failed tests, files that could not be loaded, and errors that no test caught. */
  readonly failedCount: number;
  readonly skipped: readonly string[];
}

function summarize(run: Vitest): Summary {
  const modules = run.state.getTestModules();
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const inState = (state: 'passed' | 'failed' | 'skipped') =>
    tests.filter((test) => test.result().state === state);
  const brokenModules = modules.filter((module) => {
    if (module.state() !== 'failed') return false;
    return ![...module.children.allTests()].some((test) => test.result().state === 'failed');
  });
  const failedCount = inState('failed').length + brokenModules.length + run.state.getUnhandledErrors().length;
  // A test that never got a result (its file died) has failed as well.
  const pending = tests.filter((test) => test.result().state === 'pending');
  return {
    passedCount: inState('passed').length,
    failedCount: failedCount + pending.length,
    skipped: inState('skipped').map(nameOf),
  };
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}${noteOf(test)}`;
}

function noteOf(test: TestCase): string {
  const result = test.result();
  return 'note' in result && result.note ? ` (${result.note})` : '';
}

function isExpectedSkip(name: string): boolean {
  return EXPECTED_SKIPS.some((expected) => name.startsWith(expected.name));
}

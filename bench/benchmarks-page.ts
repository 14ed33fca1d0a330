/** docs/benchmarks.md from the newest result of each bench: no number in it was typed by hand. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BenchResult, format, isMet, targetText } from './result.ts';

/**
 * Puts what was measured on the page; what is on it of benches that have no result here stays, since results are of
 * one machine and are not committed.
 *
 * @returns how many benches the page has.
 */
export async function writeBenchmarksPage(resultsFolder: string, pagePath: string): Promise<number> {
  const newest = new Map<string, BenchResult>();
  for (const file of (await readdir(resultsFolder)).filter((name) => name.endsWith('.json')).sort()) {
    const result: BenchResult = JSON.parse(await readFile(join(resultsFolder, file), 'utf8'));
    // A quick run shows that the bench works; it does not replace a whole one.
    const earlier = newest.get(result.name);
    if (earlier && result.quick && !earlier.quick) continue;
    newest.set(result.name, result);
  }
  const sections = new Map(sectionsOf(await readFile(pagePath, 'utf8').catch(() => '')));
  for (const result of newest.values()) sections.set(result.name, section(result));
  const sorted = [...sections].sort(([a], [b]) => a.localeCompare(b));
  await writeFile(pagePath, [HEAD, ...sorted.map(([, text]) => text)].join('\n'));
  return sorted.length;
}

/** The sections of a page by the names of their benches. */
function sectionsOf(page: string): [name: string, text: string][] {
  return page.split(/^(?=## )/m).flatMap((text): [string, string][] => {
    const [, name] = /^`npm run bench -- --only (\S+?)(?: --quick)?`/m.exec(text) ?? [];
    return name === undefined ? [] : [[name, `${text.trimEnd()}\n`]];
  });
}

const HEAD = `# Benchmarks

Written by \`npm run bench -- --page\` from the newest result of each bench; do not edit. A bench runs real
feeds through the real programs on one machine, so that sender, runner, origin and browser share its cores.
Latency is read from the clock in the pixels that the browser shows (tools/feeds/clock-code.ts).
`;

/** Above this, something else ran on the machine. */
const QUIET_LOAD_PER_CORE = 0.5;

function section(result: BenchResult): string {
  const { machine } = result;
  const rows = result.measures.map((measure) => {
    const met = isMet(measure);
    const verdict = met === undefined ? '' : met ? 'met' : '**missed**';
    return `| ${measure.what} | ${format(measure.value)} ${measure.unit} | ${targetText(measure)} | ${verdict} |`;
  });
  const quick = result.quick ? ' A quick run: orientation only.' : '';
  const { loadAverage = 0 } = result;
  const loaded =
    loadAverage > machine.coreCount * QUIET_LOAD_PER_CORE
      ? ` The machine was not quiet: load average ${format(loadAverage)} before the start.`
      : '';
  return [
    `## ${result.title}`,
    '',
    `\`${result.command}\`, ${result.startedAt}, commit ${result.commit}, ${format(result.durationS)} s.${quick}`,
    `${machine.coreCount} cores of ${machine.cpu}, ${format(machine.memoryGiB)} GiB, Linux ${machine.kernel}, Node ${machine.node}.${loaded}`,
    '',
    '| what | measured | target | |',
    '|---|---|---|---|',
    ...rows,
    '',
    ...result.notes.map((note) => `- ${note}`),
    '',
  ].join('\n');
}

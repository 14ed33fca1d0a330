/**
 * The table of every error that mirror can raise, made from the code. `node --import tsx
 * tools/errors-table.ts --write` writes docs/errors.md; a test keeps it equal.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ErrorDefinition } from '../domain/errors.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const FOLDERS = ['domain', 'adapters', 'gpu-runner', 'origin', 'lambdas', 'player', 'local', 'lib', 'tools'];

export interface ErrorFamily {
  readonly family: string;
  readonly definitions: Readonly<Record<string, ErrorDefinition>>;
  /** Relative to the root. */
  readonly path: string;
}

/** Every family of every `errors.ts`, in the order of their names. */
export async function errorFamilies(): Promise<ErrorFamily[]> {
  const files = FOLDERS.flatMap((folder) => errorFiles(folder)).filter((path) => path !== 'domain/errors.ts');
  const families: ErrorFamily[] = [];
  for (const path of files) {
    const exported: Record<string, unknown> = await import(pathToFileURL(join(ROOT, path)).href);
    for (const value of Object.values(exported)) if (isFamily(value)) families.push({ ...value, path });
  }
  return families.sort((a, b) => a.family.localeCompare(b.family, 'en'));
}

export async function errorsPage(): Promise<string> {
  const families = await errorFamilies();
  const sections = families.map(({ family, definitions, path }) => {
    const rows = Object.entries(definitions).map(([name, { retryable, meaning, remedy }]) => {
      const cells = [`\`${family}_${name}\``, retryable ? 'yes' : 'no', meaning, remedy];
      return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    });
    return [
      `## ${family}`,
      '',
      `From \`${path}\`.`,
      '',
      '| Code | Retry | What happened | What to do |',
      '| --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`;
}

const INTRODUCTION = `# Errors

Every error that mirror raises has a code, which logs and answers carry. *Retry* says whether the same call may
succeed later without any change. Made from the code by \`tools/errors-table.ts --write\`; do not edit.`;

function errorFiles(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : errorFiles(path);
    return entry.name === 'errors.ts' ? [path] : [];
  });
}

function isFamily(value: unknown): value is Omit<ErrorFamily, 'path'> {
  return typeof value === 'object' && value !== null && 'family' in value && 'definitions' in value;
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes('--write'))
  writeFileSync(join(ROOT, 'docs/errors.md'), await errorsPage());

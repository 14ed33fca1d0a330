/** The project's own source files and what each imports, read by a real parser. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');

export interface Import {
  /** As it is written: `./a.ts`, `node:fs`, `zod`. */
  readonly specifier: string;
  /** The imported file, relative to the root; undefined for packages and Node's own modules. */
  readonly path: string | undefined;
  /** Gone at run time. */
  readonly isTypeOnly: boolean;
}

export interface Source {
  /** Relative to the root, with slashes. */
  readonly path: string;
  /** The first name in the path, or the empty string for a file in the root. */
  readonly folder: string;
  readonly lineCount: number;
  readonly imports: readonly Import[];
}

export function readSources(folders: readonly string[]): Source[] {
  return folders.flatMap((folder) => sourceFiles(join(ROOT, folder)).map(readSource));
}

export function sourceFiles(directory: string, pattern = /\.(?:ts|tsx|mts|mjs|js)$/): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourceFiles(path, pattern);
    return pattern.test(entry.name) ? [path] : [];
  });
}

function readSource(file: string): Source {
  const text = readFileSync(file, 'utf8');
  const path = relative(ROOT, file).split(sep).join('/');
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${path} could not be parsed: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const add = (specifier: string, isTypeOnly: boolean) =>
    imports.push({ specifier, path: resolve(path, specifier), isTypeOnly });
  for (const one of module.staticImports) {
    // `import './a.ts'` has no entries, and runs.
    add(one.moduleRequest.value, one.entries.length > 0 && one.entries.every((entry) => entry.isType));
  }
  for (const one of module.staticExports) {
    for (const entry of one.entries) if (entry.moduleRequest) add(entry.moduleRequest.value, entry.isType);
  }
  for (const one of module.dynamicImports) {
    const literal = /^['"](.*)['"]$/.exec(text.slice(one.moduleRequest.start, one.moduleRequest.end));
    if (literal?.[1] !== undefined) add(literal[1], false);
  }
  return { path, folder: folderOf(path), lineCount: text.split('\n').length - 1, imports };
}

function resolve(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
}

export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

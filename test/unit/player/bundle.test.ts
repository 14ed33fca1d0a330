import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { PAGES, pageBuildOptions } from '../../../domain/pages/pages.ts';
import { ROOT } from '../architecture/sources.ts';

/** Issue "what people see": without hls.js, and without what is loaded only when it is asked for. */
const PLAYER_MAX_BYTES = 60 * 1024;

let gzipBytes = new Map<string, number>();
let inputsOf = new Map<string, readonly string[]>();
let loadedAtOnce: readonly string[] = [];
let loadedLater: readonly string[] = [];

beforeAll(async () => {
  const { outputFiles, metafile } = await build({ ...pageBuildOptions(PAGES), absWorkingDir: ROOT });
  const outputs = Object.entries(metafile.outputs);
  gzipBytes = new Map(
    outputs.map(([path]) => [
      path,
      gzipSync(outputFiles.find((file) => file.path.endsWith(path))?.contents ?? new Uint8Array()).byteLength,
    ]),
  );
  inputsOf = new Map(outputs.map(([path, { inputs }]) => [path, Object.keys(inputs)]));
  const follow = (path: string, seen: Set<string>): Set<string> => {
    if (seen.has(path)) return seen;
    seen.add(path);
    for (const one of metafile.outputs[path]?.imports ?? [])
      if (one.kind === 'import-statement') follow(one.path, seen);
    return seen;
  };
  const entry = outputs.find(([, { entryPoint }]) => entryPoint === 'player/main.ts')?.[0] ?? '';
  loadedAtOnce = [...follow(entry, new Set())];
  loadedLater = outputs.map(([path]) => path).filter((path) => !loadedAtOnce.includes(path));
});

const holds = (paths: readonly string[], part: string) =>
  paths.some((path) => inputsOf.get(path)?.some((input) => input.includes(part)));

describe('the bundle of the player', () => {
  it(`weighs at most ${PLAYER_MAX_BYTES / 1024} KB over the network before the first picture`, () => {
    const sizes = loadedAtOnce.map((path) => gzipBytes.get(path) ?? 0);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(PLAYER_MAX_BYTES);
    expect(holds(loadedAtOnce, 'player/pane.ts')).toBe(true);
  });

  it.each(['node_modules/hls.js', 'node_modules/uplot', 'player/ui/plot-drawing.ts'])(
    '%s is loaded only where it is used',
    (part) => {
      expect(holds(loadedAtOnce, part)).toBe(false);
      expect(holds(loadedLater, part)).toBe(true);
    },
  );
});

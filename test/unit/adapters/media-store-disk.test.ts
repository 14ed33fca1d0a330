import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { DiskMediaStore } from '../../../adapters/media-store-disk.ts';
import { initKey, partKey } from '../../../domain/media-store.ts';
import { mediaStoreContract } from '../../contract/media-store.ts';

const signal = new AbortController().signal;
const directories: string[] = [];
const newDirectory = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mirror-store-'));
  directories.push(directory);
  return directory;
};
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

mediaStoreContract(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mirror-store-'));
  return {
    store: new DiskMediaStore({ directory }),
    otherStore: new DiskMediaStore({ directory }),
    close: () => rm(directory, { recursive: true, force: true }),
  };
});

test('no temporary file is left, neither by a win, nor by a loss, nor by an abort', async () => {
  const directory = await newDirectory();
  const store = new DiskMediaStore({ directory });
  const bytes = new Uint8Array(2_000_000);
  await store.put('a/b.mp4', bytes, { signal });
  await store.put('a/b.mp4', bytes, { signal });
  await store.write('a/b.mp4', bytes, { contentType: 'video/mp4', signal });
  const controller = new AbortController();
  const aborted = store.write('a/c.mp4', bytes, { contentType: 'video/mp4', signal: controller.signal });
  controller.abort(new Error('too late'));
  await expect(aborted).rejects.toThrow('too late');
  expect(await readdir(join(directory, '.incoming'))).toEqual([]);
  expect(await readdir(join(directory, 'a'))).toEqual(['b.mp4']);
});

test('a stream removed by another process while this one writes it does not stop the writes', async () => {
  const directory = await newDirectory();
  const [runner, controller] = [new DiskMediaStore({ directory }), new DiskMediaStore({ directory })];
  await runner.put('streams/a/video/1.0.m4s', new Uint8Array(1), { signal });
  await controller.removePrefix('streams/a/');
  expect(await runner.put('streams/a/video/1.1.m4s', new Uint8Array(1), { signal })).toBe('stored');
});

test('old parts are removed below the prefix, by age; init segments, young parts and recordings stay', async () => {
  const directory = await newDirectory();
  const store = new DiskMediaStore({ directory });
  const part = (mediaSequenceNumber: number, partIndex: number) =>
    partKey('a', 'video', { mediaSequenceNumber, partIndex });
  // 9.4 before 10.0: by number and not by name.
  const old = [part(9, 3), part(9, 4), part(10, 0)];
  const recorded = 'recordings/a/9.0.m4s';
  const kept = [part(10, 1), part(10, 2), initKey('a', 'video'), recorded];
  const nowMs = 1_800_000_000_000;
  for (const key of [...old, ...kept]) {
    await store.put(key, new Uint8Array(1), { signal });
    const ageMs = old.includes(key) || key === recorded || key.endsWith('init.mp4') ? 60_001 : 59_999;
    const time = new Date(nowMs - ageMs);
    await utimes(join(directory, key), time, time);
  }
  expect(await store.removeOldParts('streams/', nowMs - 60_000)).toBe(3);
  for (const key of old) expect(await store.get(key, { signal })).toBeUndefined();
  for (const key of kept) expect(await store.get(key, { signal })).toBeDefined();
  expect(await store.removeOldParts('streams/', nowMs - 60_000)).toBe(0);
  expect(await store.removeOldParts('never-written/', nowMs)).toBe(0);
});

test('a part that left the window lends its file: its key is gone, the new one is whole, shorter or longer', async () => {
  const directory = await newDirectory();
  let nowMs = 0;
  const store = new DiskMediaStore({ directory, nowMs: () => nowMs });
  const part = (mediaSequenceNumber: number) => partKey('a', 'video', { mediaSequenceNumber, partIndex: 0 });
  const bytes = (mediaSequenceNumber: number) =>
    new Uint8Array(mediaSequenceNumber % 2 ? 9_000 : 3_000).fill(mediaSequenceNumber);
  const inodes = new Set<number>();
  for (let number = 1; number <= 200; number += 1) {
    nowMs += 1_000;
    expect(await store.put(part(number), bytes(number), { signal })).toBe('stored');
    expect(await store.put(part(number), bytes(0), { signal })).toBe('exists');
    inodes.add((await stat(join(directory, part(number)))).ino);
  }
  for (let number = 151; number <= 200; number += 1) {
    const there = (await store.get(part(number), { signal })) ?? new Uint8Array();
    expect(Buffer.compare(there, bytes(number))).toBe(0);
  }
  expect(await store.get(part(130), { signal })).toBeUndefined();
  expect(await readdir(join(directory, '.incoming'))).toEqual([]);
  // A refused second writer gives up the file that it borrowed, so some are made anew.
  expect(inodes.size).toBeLessThan(200);
});

test('a part that somebody deleted lends nothing, and the next one is stored all the same', async () => {
  const directory = await newDirectory();
  let nowMs = 0;
  const store = new DiskMediaStore({ directory, nowMs: () => nowMs });
  await store.put('streams/a/video/1.0.m4s', new Uint8Array(1), { signal });
  await store.put('streams/a/video/2.0.m4s', new Uint8Array(1), { signal });
  await rm(join(directory, 'streams/a/video/1.0.m4s'));
  nowMs = 50_001;
  expect(await store.put('streams/a/video/3.0.m4s', new Uint8Array(2), { signal })).toBe('stored');
  expect(await store.get('streams/a/video/2.0.m4s', { signal })).toBeUndefined();
  expect(await store.get('streams/a/video/3.0.m4s', { signal })).toHaveLength(2);
});

test('a data directory that is a file is NOT_FOUND, and says which', async () => {
  const directory = await newDirectory();
  const file = join(directory, 'file');
  await writeFile(file, 'not a directory');
  const store = new DiskMediaStore({ directory: file });
  await expect(store.put('a/b.mp4', new Uint8Array(1), { signal })).rejects.toMatchObject({
    code: 'STORE_NOT_FOUND',
    retryable: false,
    message: expect.stringContaining(file),
  });
  expect(await readFile(file, 'utf8')).toBe('not a directory');
});

test('a full disk is FULL and retryable and passes; one that may not be written is FORBIDDEN', async ({
  skip,
}) => {
  const directory = await newDirectory();
  const mount = join(directory, 'small');
  await mkdir(mount);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', mount]);
  skip(mounted.status !== 0, 'needs the right to mount a small file system');
  try {
    const store = new DiskMediaStore({ directory: mount });
    await store.put('a/1.mp4', new Uint8Array(150_000), { signal });
    await expect(store.put('a/2.mp4', new Uint8Array(150_000), { signal })).rejects.toMatchObject({
      code: 'STORE_FULL',
      retryable: true,
    });
    expect(await readdir(join(mount, '.incoming'))).toEqual([]);
    await store.removePrefix('a/');
    expect(await store.put('a/2.mp4', new Uint8Array(150_000), { signal })).toBe('stored');
    spawnSync('mount', ['-o', 'remount,ro', mount]);
    await expect(store.put('a/3.mp4', new Uint8Array(1), { signal })).rejects.toMatchObject({
      code: 'STORE_FORBIDDEN',
      retryable: false,
    });
  } finally {
    spawnSync('umount', [mount]);
  }
});

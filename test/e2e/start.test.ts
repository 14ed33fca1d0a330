import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SEED_PROFILE } from '../../domain/profile.ts';
import { EPOCH_MS } from '../../domain/timeline.ts';
import { anyAlive, descendants, interrupt, runToEnd, start, until } from './start-process.ts';

/** Pictures encoded beforehand: these tests are about processes, not about pictures. */
const CHEAP_FEED = {
  MIRROR_DEMO_FEED_OPTIONS: JSON.stringify({ rehearsedMs: 1_000, widthPx: 320, heightPx: 180 }),
};
const LIVE_MAX_MS = 45_000;

let folder = '';
const ends: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-start-'));
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await rm(folder, { recursive: true, force: true });
});

/** Media sequence number of the newest whole segment of a stream, once it has one. */
async function newestSegment(pageUrl: string): Promise<number> {
  let newest: string | undefined;
  const look = async () => {
    const playlist = await (await fetch(new URL('/open/cam-1/av.m3u8', pageUrl))).text();
    newest = [...playlist.matchAll(/^av\/(\d+)\.m4s$/gm)].at(-1)?.[1];
    return newest !== undefined;
  };
  await until('a whole segment', look, LIVE_MAX_MS);
  return Number(newest);
}

describe('npm start that cannot', () => {
  it.each([
    [['--prot', '1'], "Unknown option '--prot'. See npm start -- --help."],
    [['--feeds', 'many'], '--feeds must be a whole number, 0 to 24. See npm start -- --help.'],
  ])('%j: one sentence and an exit code', async (args, sentence) => {
    const { code, stderr } = await runToEnd(args);
    expect(stderr.trim()).toBe(sentence);
    expect(code).toBe(2);
  });

  it('a busy port is named, with what to do', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '::', resolve));
    ends.push(() => other.close());
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { code, stderr } = await runToEnd(['--port', String(port), '--feeds', '0', '--data-dir', folder]);
    expect(stderr).toMatch(
      new RegExp(`port is taken by another program. It is port ${port}. Choose another`),
    );
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('a GPU that is asked for and not there is said before anything starts, with what to do', async () => {
    const args = ['--port', '0', '--feeds', '0', '--data-dir', folder, '--hardware', 'nvidia'];
    // Hides the GPUs of a machine that has some.
    const { code, stderr } = await runToEnd(args, { CUDA_VISIBLE_DEVICES: '-1' });
    expect(stderr.trim()).toMatch(/^There is no NVIDIA GPU .* or start without --hardware nvidia\.$/);
    expect(code).toBe(1);
  });

  it('a data directory that is no directory is named', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const { code, stderr } = await runToEnd(['--port', '0', '--feeds', '0', '--data-dir', file]);
    expect(stderr).toContain(`The data directory cannot be written. It is ${file}`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
  });
});

describe('npm start', () => {
  it('brings feeds on air, ends within 2 s of Ctrl-C with all of its children, and goes on by the clock', async () => {
    const args = ['--port', '0', '--feeds', '1', '--data-dir', folder];
    const first = await start(args, CHEAP_FEED);
    ends.push(() => first.child.kill('SIGKILL'));
    expect(first.output()).toMatch(/API\s+http:\/\/localhost:\d+\/v1\/streams/);
    expect(first.output()).toMatch(/ffmpeg -re .*srt:\/\/127\.0\.0\.1:\d+/);
    const before = await newestSegment(first.pageUrl);
    expect((await first.streams())[0]?.state).toBe('live');
    expect((await first.streams()).map(({ id }) => id)).toEqual(['cam-1', 'own']);

    const second = await runToEnd(args);
    expect(second.stderr).toContain('Another mirror runs on this data directory.');
    expect(second.code).toBe(1);

    const children = await descendants(first.child.pid ?? 0);
    expect(children.length).toBeGreaterThanOrEqual(4);
    const { tookMs, code } = await interrupt(first.child);
    expect(tookMs).toBeLessThan(2_000);
    expect(code).toBe(0);
    expect(await anyAlive(children)).toBe(false);

    const again = await start(args, CHEAP_FEED);
    ends.push(() => again.child.kill('SIGKILL'));
    const after = await newestSegment(again.pageUrl);
    const byTheClock = (Date.now() - EPOCH_MS) / SEED_PROFILE.segmentMs;
    expect(after).toBeGreaterThan(before);
    expect(Math.abs(after - byTheClock)).toBeLessThan(6);

    // Killed, it has no chance to say goodbye: its children find out by themselves.
    const orphans = await descendants(again.child.pid ?? 0);
    again.child.kill('SIGKILL');
    await until('the children are gone', async () => !(await anyAlive(orphans)), 4_000);
  });

  it('with --tls the page and the media come over HTTP/2', async () => {
    const running = await start(['--port', '0', '--feeds', '1', '--data-dir', folder, '--tls'], CHEAP_FEED);
    ends.push(() => interrupt(running.child));
    expect(running.pageUrl).toMatch(/^https:/);
    const session = connect(running.pageUrl, { rejectUnauthorized: false });
    ends.unshift(() => session.destroy());
    const ask = async (path: string): Promise<{ status: number; body: string }> => {
      const stream = session.request({ ':path': path });
      let status = 0;
      stream.on('response', (headers) => (status = headers[':status'] ?? 0));
      let body = '';
      stream.setEncoding('utf8');
      for await (const chunk of stream) body += String(chunk);
      return { status, body };
    };
    expect((await ask('/')).body).toContain('<title>mirror</title>');
    await until('a playlist', async () => (await ask('/open/cam-1/av.m3u8')).status === 200, LIVE_MAX_MS);
    expect((await ask('/open/cam-1/video/init.mp4')).status).toBe(200);
  });
});

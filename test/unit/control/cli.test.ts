import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../../bin/cli/main.ts';
import { table } from '../../../bin/cli/table.ts';
import type { Scope } from '../../../domain/control/scopes.ts';
import { tokenEntry } from '../../../lambdas/authorizer/service.ts';
import { TOKENS_SECRET } from '../../../lambdas/secret-names.ts';
import { runnerStatus } from '../../contract/runner-status.ts';
import { BACKEND_TOKEN, type Fixture, fixture } from './fixture.ts';

const TOKEN = 'token-of-the-command-line';

let plane: Fixture;
let server: Server;
let url: string;

beforeEach(async () => {
  plane = await fixture();
  const scopes: Scope[] = ['operate', 'issue-tickets'];
  const tokens = [tokenEntry('cli', TOKEN, scopes), tokenEntry('backend', BACKEND_TOKEN, ['issue-tickets'])];
  await plane.secrets.put(TOKENS_SECRET, JSON.stringify({ tokens }));
  server = createServer((request, response) => void plane.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function mirror(words: string[], environment: Record<string, string> = {}) {
  let out = '';
  let err = '';
  const code = await main(words, {
    environment: { MIRROR_URL: url, MIRROR_TOKEN: TOKEN, ...environment },
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
  });
  return { code, out, err };
}

describe('the command line', () => {
  it('takes a stream from nothing to a link that plays it, and back', async () => {
    const created = await mirror([
      'streams',
      'create',
      'Goal line',
      '--id',
      'goal',
      '--latency',
      '200',
      '--start',
    ]);
    expect(created).toMatchObject({ code: 0, err: '' });
    const passphrase = plane.launcher.launches[0]?.secret?.value ?? '?';
    expect(created.out).toMatch(/^state +starting$/m);
    expect(created.out).toContain(`passphrase  ${passphrase}`);
    expect(created.out).toContain('latency=200000');

    const list = await mirror(['streams', 'list']);
    expect(list.out.split('\n')[0]).toMatch(/^ID +NAME +STATE +ACCESS +SINCE +INGEST +REASON$/);
    expect(list.out).toMatch(/^goal +Goal line +starting +premium/m);
    expect(list.out).not.toContain(passphrase);

    const ticket = await mirror(['tickets', 'issue', 'ann', '--streams', 'goal', '--ttl', '30']);
    expect(ticket.out.trim().split('.')).toHaveLength(3);
    const link = await mirror(['open', 'goal', '--viewer', 'ann']);
    expect(link.out).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?streams=goal#ticket=[\w-]+\.[\w-]+\.[\w-]+\n$/);

    const body = { ticket: ticket.out.trim(), streams: ['goal'] };
    const opened = await fetch(`${url}/v1/viewer-sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(opened.status).toBe(201);
    const counts = await mirror(['viewers', 'count', '--json']);
    expect(JSON.parse(counts.out)).toMatchObject({ viewerCount: 1, perStream: { goal: 1 } });

    expect((await mirror(['streams', 'stop', 'goal'])).out).toMatch(/^state +stopped$/m);
    expect((await mirror(['streams', 'delete', 'goal'])).out).toBe('Deleted goal.\n');
    expect((await mirror(['streams', 'list'])).out).toContain('There are no streams');
  });

  it('creates callers, RTP and open streams, and keeps the passphrase out of its arguments', async () => {
    const call = ['streams', 'create', 'Call', '--id', 'call', '--srt-call', '203.0.114.7:9000', '--json'];
    const created = await mirror(call, { MIRROR_PASSPHRASE: 'planted-in-the-environment' });
    expect(JSON.parse(created.out).ingest).toMatchObject({ protocol: 'srt-caller', port: 9000 });
    expect(created.out).not.toContain('planted');
    expect(await plane.secrets.get('streams/call/caller')).toBe('planted-in-the-environment');
    const rtp = await mirror([
      'streams',
      'create',
      'RTP',
      '--id',
      'rtp',
      '--rtp',
      '--source',
      '203.0.114.9',
      '--open',
    ]);
    expect(rtp.code).toBe(0);
    expect((await mirror(['open', 'rtp'])).out).toMatch(/\?streams=rtp\n$/);
  });

  it('shows a stream in words: its feed, what arrives, and what was counted', async () => {
    await mirror(['streams', 'create', 'Goal', '--id', 'goal', '--latency', '200', '--start']);
    const video = { codec: 'hevc', profile: 'Main', widthPx: 1920, heightPx: 1080, frameRate: 29.97 };
    await plane.registry.putStatus(
      runnerStatus('goal', {
        state: 'live',
        source: { video: { ...video, decoder: 'nvidia' }, remoteAddress: '192.0.2.7' },
        refusedFeed: { atMs: Date.UTC(2026, 5, 1), reason: 'wrong passphrase', remedy: 'Copy it again.' },
        counters: { ingestBitrateBps: 5_000_000, droppedFrameCount: 3, partLatencyMs: 7.6 },
      }),
      60_000,
    );
    const { out } = await mirror(['streams', 'show', 'goal']);
    expect(out).toMatch(/^ingest +SRT, waits for the encoder, latency 200 ms$/m);
    expect(out).toMatch(/^source +HEVC Main, 1920x1080, 29.97 fps, decoded on the GPU; from 192.0.2.7$/m);
    expect(out).toMatch(/^refused +2026-06-01T00:00:00.000Z wrong passphrase. Copy it again\.$/m);
    expect(out).toMatch(/^ingest bitrate +5.00 Mbit\/s$/m);
    expect(out).toMatch(/^dropped frames +3$/m);
    expect(out).toMatch(/^part latency +8 ms$/m);
    expect(out).not.toContain('gaps');
  });

  it('watches until a state comes, and says so when it does not', async () => {
    await mirror(['streams', 'create', 'Goal', '--id', 'goal']);
    expect(await mirror(['streams', 'watch', 'goal', '--until', 'created'])).toMatchObject({ code: 0 });
    const late = await mirror(['streams', 'watch', 'goal', '--until', 'live', '--timeout', '0']);
    expect(late.code).toBe(7);
  });

  it('has an exit code for each kind of failure, and says what to do', async () => {
    const usage = [
      ['frob'],
      ['streams'],
      ['streams', 'frob'],
      ['streams', 'list', 'x'],
      ['streams', 'create'],
      ['streams', 'list', '--ttl', '3'],
      ['streams', 'create', 'A', '--rtp', '--latency', '100'],
      ['streams', 'create', 'A', '--latency', 'much'],
      ['streams', 'watch', 'a', '--until', 'happy'],
      ['streams', 'list', '--url', 'localhost'],
      ['--frob'],
    ];
    for (const words of usage) {
      const { code, err } = await mirror(words);
      expect(code).toBe(2);
      expect(err).toContain('See mirror --help.');
    }
    expect((await mirror(['streams', 'show', 'nowhere'])).code).toBe(4);
    expect((await mirror(['streams', 'list'], { MIRROR_TOKEN: 'wrong' })).code).toBe(5);
    const empty = await mirror(['streams', 'start', 'a'], { MIRROR_TOKEN: '' });
    expect(empty).toMatchObject({ code: 5, err: expect.stringContaining('Give a token with MIRROR_TOKEN') });
    expect((await mirror(['streams', 'list'], { MIRROR_TOKEN: BACKEND_TOKEN })).err).toContain('"operate"');
    const bad = await mirror(['streams', 'create', 'A', '--latency', '1']);
    expect(bad).toMatchObject({ code: 3, err: expect.stringContaining('/ingest/latencyMs') });
    for (const id of ['a', 'b', 'c', 'd']) await mirror(['streams', 'create', id, '--id', id, '--start']);
    const full = await mirror(['streams', 'start', 'd', '--json']);
    expect(full).toMatchObject({ code: 3, err: expect.stringContaining('slot 2: c') });
    expect(JSON.parse(full.out).code).toBe('CONTROL_NO_FREE_SLOT');
    plane.launcher.beforeStart = async () => {
      throw new Error('no capacity');
    };
    await mirror(['streams', 'stop', 'a']);
    expect(await mirror(['streams', 'start', 'a'])).toMatchObject({
      code: 6,
      err: expect.stringContaining('no capacity'),
    });
    expect((await mirror(['streams', 'list', '--url', 'http://127.0.0.1:9'])).code).toBe(6);
    expect((await mirror([])).out).toContain('mirror streams create');
  });

  it('follows the pages of a long list, up to the limit asked for', async () => {
    for (let index = 0; index < 120; index++) {
      const body = { id: `s${index}`, name: 'S', ingest: { protocol: 'rtp-mpegts' } };
      await plane.call('POST', '/v1/streams', body, { token: TOKEN });
    }
    expect(JSON.parse((await mirror(['streams', 'list', '--json'])).out).streams).toHaveLength(120);
    expect(
      JSON.parse((await mirror(['streams', 'list', '--json', '--limit', '7'])).out).streams,
    ).toHaveLength(7);
  });
});

describe('a table', () => {
  it('keeps its columns with wide letters, and does not let a cell command the terminal', () => {
    const text = table(
      ['A', 'B'],
      [
        ['東京', 'x'],
        ['\u001b[2J\nb', 'y'],
      ],
    );
    expect(text.split('\n')).toEqual(['A       B', '東京    x', ' [2J b  y']);
  });
});

describe('the API over HTTP', () => {
  it('refuses a body over 64 KB while it is still being sent', async () => {
    const response = await fetch(`${url}/v1/streams`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
      body: 'x'.repeat(200_000),
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'CONTROL_BODY_TOO_LARGE' });
  });

  it('answers problems uncached, each with the id of its request', async () => {
    const response = await fetch(`${url}/v1/streams/nowhere`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({
      instance: expect.stringMatching(/^urn:mirror:request:.{36}$/),
    });
  });
});

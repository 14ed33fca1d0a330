import { expect, test } from 'vitest';
import { ConsoleLog } from '../../../adapters/log-console.ts';
import { JsonLog } from '../../../adapters/log-json.ts';
import type { Log } from '../../../domain/log.ts';

const clock = { nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678) };

function written(make: (write: (line: string) => void) => Log): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { log: make((line) => lines.push(line)), lines };
}

test('a JSON line holds time, level, event and fields, those of the child included, and ends its line', () => {
  const { log, lines } = written((write) => new JsonLog({ clock, write, fields: { service: 'origin' } }));
  log.child({ streamId: 'a' }).warn('part-late', { lateMs: 12, note: undefined });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.endsWith('}\n')).toBe(true);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    time: '2026-01-02T03:04:05.678Z',
    level: 'warn',
    event: 'part-late',
    service: 'origin',
    streamId: 'a',
    lateMs: 12,
  });
});

test('a console line is one line whatever the fields hold', () => {
  const { log, lines } = written((write) => new ConsoleLog({ clock, write }));
  log.info('feed-connected', { address: '[::1]:9001', reason: 'line one\nline two', tags: ['a', 'b'] });
  expect(lines).toEqual([
    '03:04:05.678 INFO  feed-connected address="[::1]:9001" reason="line one\\nline two" tags=a,b\n',
  ]);
});

test.each([
  ['json', (write: (line: string) => void) => new JsonLog({ clock, write, level: 'warn' })],
  ['console', (write: (line: string) => void) => new ConsoleLog({ clock, write, level: 'warn' })],
])('%s: what is below the level is not written', (_, make) => {
  const { log, lines } = written(make);
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  expect(lines).toHaveLength(2);
});

test.each([
  ['json', (write: (line: string) => void) => new JsonLog({ clock, write, fields: { token: 'hush' } })],
  ['console', (write: (line: string) => void) => new ConsoleLog({ clock, write, fields: { token: 'hush' } })],
])('%s: secrets do not get through, by the name of the field or inside a URL', (_, make) => {
  const { log, lines } = written(make);
  log.info('connecting', {
    passphrase: 'hush',
    viewerToken: 'hush',
    authorization: 'Bearer hush',
    redis: 'rediss://user:hush@cache:6379/0',
    srt: 'srt://host:9001?latency=120&passphrase=hush&mode=caller',
    urls: ['redis://user:hush@cache/0'],
    signed: 'https://host/live/a/index.m3u8?Policy=p&Signature=hush&Key-Pair-Id=k',
  });
  expect(lines.join('')).not.toContain('hush');
  expect(lines.join('')).toContain('latency=120');
  expect(lines.join('')).toContain('cache:6379');
});

import { describe, expect, it, vi } from 'vitest';
import { engineAfter, engineSupport, enginesFor, LateEngine } from '../../../player/engines/choose.ts';
import type { Engine, EngineOptions } from '../../../player/engines/engine.ts';
import { askingForCookies, cookieStreamUrl } from '../../../player/engines/signed-cookies.ts';

/** A class of the browser that takes the types which begin so. */
function sourceClass(prefix: string) {
  return Object.assign(class extends EventTarget {} as unknown as typeof MediaSource, {
    isTypeSupported: (type: string) => type.startsWith(prefix),
  });
}
const Source = sourceClass('');
const PickySource = sourceClass('audio/');

/** As much of a browser as decides. */
const browser = (classes: object) =>
  engineSupport({ ReadableStream, Response: { prototype: { body: null } }, ...classes }, () => '');
const noHls = () => '';
const hls = () => 'maybe';

describe('what a browser can do', () => {
  it.each([
    ['most browsers', { MediaSource: Source }, true],
    ['an iPhone from iOS 17.1 on', { ManagedMediaSource: Source }, true],
    ['an older iPhone', {}, false],
    ['one that plays no H.264 from a page', { MediaSource: PickySource }, false],
  ])('%s', (_, classes, mediaSource) => {
    expect(browser(classes).mediaSource).toBe(mediaSource);
  });

  it('its own HLS player is asked by the type', () => {
    const asked = vi.fn<typeof hls>(hls);
    expect(engineSupport({}, asked).nativeHls).toBe(true);
    expect(asked).toHaveBeenCalledWith('application/vnd.apple.mpegurl');
    expect(engineSupport({}, noHls).nativeHls).toBe(false);
  });
});

describe('the engines of a page', () => {
  const all = { mediaSource: true, growingAnswers: true, nativeHls: true };

  it('are tried in the order of their merits, the one that is asked for first', () => {
    expect(enginesFor(undefined, all)).toEqual(['clock-mse', 'hls.js', 'native-hls']);
    expect(enginesFor('native-hls', all)).toEqual(['native-hls', 'clock-mse', 'hls.js']);
  });

  it('hls.js takes over where answers cannot be read while they come', () => {
    expect(enginesFor('clock-mse', { ...all, growingAnswers: false })).toEqual(['hls.js', 'native-hls']);
  });

  it('the browser’s own takes over where a page may bring no media', () => {
    expect(enginesFor(undefined, { ...all, mediaSource: false })).toEqual(['native-hls']);
    expect(enginesFor(undefined, { mediaSource: false, growingAnswers: true, nativeHls: false })).toEqual([]);
  });

  it('each has two starts before the next one has its turn, and then the first one again', () => {
    const names = [0, 1, 2, 3, 4, 5, 6].map((count) =>
      engineAfter(['clock-mse', 'hls.js', 'native-hls'], count),
    );
    expect(names).toEqual([
      'clock-mse',
      'clock-mse',
      'hls.js',
      'hls.js',
      'native-hls',
      'native-hls',
      'clock-mse',
    ]);
    expect(engineAfter([], 3)).toBeUndefined();
  });

  it('one whose code cannot be loaded says so; one that is closed before it is loaded never starts', async () => {
    const onFailed = vi.fn<EngineOptions['onFailed']>();
    const options = { onFailed } as unknown as EngineOptions;
    new LateEngine('hls.js', options, () => Promise.reject(new Error('offline'))).start();
    await vi.waitFor(() =>
      expect(onFailed).toHaveBeenCalledWith({ kind: 'broken', reason: 'The server does not answer.' }),
    );
    const start = vi.fn<() => void>();
    const loaded: Engine = {
      name: 'hls.js',
      start,
      destroy: () => undefined,
      counters: { requestCount: 1, byteCount: 2 },
      zeroInstantMs: 5,
    };
    const late = new LateEngine('hls.js', options, () => Promise.resolve(loaded));
    late.start();
    late.destroy();
    await Promise.resolve();
    expect(start).not.toHaveBeenCalled();
  });
});

describe('signatures in cookies', () => {
  it('are asked for in every call that opens, swaps or renews, whatever else it says', async () => {
    const asked: [string, RequestInit][] = [];
    const ask = askingForCookies((path, init) => {
      asked.push([path, init]);
      return Promise.resolve(new Response());
    });
    const headers = { authorization: 'Bearer token' };
    await ask('/open', { method: 'POST', body: '{"ticket":"t","streams":["a"]}' });
    await ask('/renew', { method: 'POST', headers });
    await ask('/session', { method: 'DELETE', headers });
    expect(asked.map(([, init]) => init.body)).toEqual([
      '{"ticket":"t","streams":["a"],"cookies":true}',
      '{"cookies":true}',
      undefined,
    ]);
    expect(new Headers(asked[1]?.[1].headers).get('authorization')).toBe('Bearer token');
    expect(new Headers(asked[1]?.[1].headers).get('content-type')).toBe('application/json');
  });

  it('are sent to the page’s own host, or to the one that the page states', () => {
    const page = { origin: 'http://localhost:8080' };
    expect(cookieStreamUrl('stage', 'live', page, undefined)).toBe('http://localhost:8080/live/stage/');
    expect(cookieStreamUrl('stage', 'live', page, 'https://media.example.org')).toBe(
      'https://media.example.org/live/stage/',
    );
  });
});

/** What a page says when the browser's own player fails, which does not say at what: a server answers, an element fails. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DELIVERY_PLANS } from '../../../domain/delivery.ts';
import type { EngineFailure, EngineOptions } from '../../../player/engines/engine.ts';
import { NativeHlsEngine } from '../../../player/engines/native-hls.ts';

const MEDIA_ERR_NETWORK = 2;
const MEDIA_ERR_DECODE = 3;
const MEDIA_ERR_SRC_NOT_SUPPORTED = 4;

/** As much of a media element as this engine uses. */
class FailingMedia extends EventTarget {
  src = '';
  autoplay = false;
  error: { readonly code: number; readonly message: string } | null = null;

  load(): void {}

  removeAttribute(): void {}

  fail(code: number, message: string): void {
    this.error = { code, message };
    this.dispatchEvent(new Event('error'));
  }
}

let server: Server | undefined;

afterEach(() => server?.close());

function optionsFor(media: FailingMedia, streamUrl: string): EngineOptions {
  return {
    media: media as unknown as HTMLMediaElement,
    rendition: 'video',
    streamUrl,
    startLatencyMs: 350,
    plan: () => DELIVERY_PLANS.balanced,
    latencyMs: () => 350,
    wantedLatencyMs: () => 350,
    serverNowMs: Date.now,
    onMedia: () => undefined,
    onFailed: () => undefined,
  };
}

/** @returns what the engine says once the element has failed, with a server that answers so. */
async function failureOf(status: number, code: number, message = 'no luck'): Promise<EngineFailure> {
  server = createServer((_request, response) => response.writeHead(status).end());
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  return failureAt(`http://127.0.0.1:${port}/open/cam-1/`, code, message);
}

function failureAt(streamUrl: string, code: number, message: string): Promise<EngineFailure> {
  const media = new FailingMedia();
  return new Promise((resolve) => {
    new NativeHlsEngine({ ...optionsFor(media, streamUrl), onFailed: resolve }).start();
    media.fail(code, message);
  });
}

describe('the browser’s own player', () => {
  it('is told to play as it loads, and leaves its element to the next engine as it was', () => {
    const media = new FailingMedia();
    const engine = new NativeHlsEngine(optionsFor(media, 'http://127.0.0.1:1/open/cam-1/'));
    engine.start();
    expect(media.autoplay).toBe(true);
    engine.destroy();
    expect(media.autoplay).toBe(false);
  });
});

describe('the browser’s own player fails', () => {
  it('at a playlist that is there: it is the player’s fault, and its reason is told', async () => {
    const failure = await failureOf(200, MEDIA_ERR_SRC_NOT_SUPPORTED, 'COULD_NOT_PARSE');
    expect(failure.kind).toBe('unplayable');
    expect(failure.reason).toContain('COULD_NOT_PARSE');
  });

  it.each([404, 503])('at one that is answered with %i: the stream is waited for', async (status) => {
    expect((await failureOf(status, MEDIA_ERR_SRC_NOT_SUPPORTED)).kind).toBe('not-there');
  });

  it('at one that it may not have: that is said', async () => {
    expect((await failureOf(403, MEDIA_ERR_SRC_NOT_SUPPORTED)).kind).toBe('refused');
  });

  it('where nobody answers: that is said', async () => {
    const failure = await failureAt('http://127.0.0.1:1/open/cam-1/', MEDIA_ERR_NETWORK, '');
    expect(failure).toEqual({ kind: 'broken', reason: 'The server does not answer.' });
  });

  it('in the middle of the stream: nobody is asked', async () => {
    expect((await failureOf(404, MEDIA_ERR_DECODE, '')).reason).toContain('gives no reason');
  });
});

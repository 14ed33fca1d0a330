/** The engine against a real HTTP server, with a stand-in for the browser's media source, which Node lacks. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { concatBytes } from '../../../domain/cmaf/box.ts';
import { DELIVERY_PLANS } from '../../../domain/delivery.ts';
import { CAPTURE_TO_GRID_MS } from '../../../domain/profile.ts';
import { EPOCH_MS } from '../../../domain/timeline.ts';
import { Packager } from '../../../gpu-runner/packager/packager.ts';
import { ClockMseEngine } from '../../../player/engines/clock-mse.ts';
import { ENCODER, FIRST_SEGMENT, PROFILE, range, videoFrame } from '../packager/synthetic-frames.ts';

class StandInBuffer extends EventTarget {
  updating = false;
  timestampOffset = 0;
  readonly buffered = { length: 0 };
  appendBuffer(): void {
    this.updating = true;
    setTimeout(() => {
      this.updating = false;
      this.dispatchEvent(new Event('updateend'));
    });
  }
}

class StandInSource extends EventTarget {
  static isTypeSupported(): boolean {
    return true;
  }
  readyState = 'open';
  duration = 0;
  constructor() {
    super();
    setTimeout(() => this.dispatchEvent(new Event('sourceopen')));
  }
  addSourceBuffer(): StandInBuffer {
    return new StandInBuffer();
  }
}

let server: Server | undefined;
let engine: ClockMseEngine | undefined;

afterEach(async () => {
  engine?.destroy();
  vi.unstubAllGlobals();
  server?.closeAllConnections();
  server?.close();
});

/** The clock stands at the end of the first segment of the synthetic frames, so that it is there as a whole. */
const NOW_MS = EPOCH_MS + (FIRST_SEGMENT + 1) * PROFILE.segmentMs;

async function play(offGridMs: number): Promise<ClockMseEngine> {
  const packager = new Packager({ profile: PROFILE, encoder: ENCODER });
  const segment = range(15).flatMap((index) => {
    const frame = videoFrame(index);
    const gridMs = EPOCH_MS + (frame.decodeTimeTicks * 1000) / PROFILE.video.timescaleHz;
    const unixMs = gridMs + offGridMs - CAPTURE_TO_GRID_MS;
    return packager
      .push({ ...frame, reference: { kind: 'captured', unixMs } }, 0)
      .flatMap(({ bytes }) => bytes ?? []);
  });
  server = createServer((request, response) => {
    if (request.url?.endsWith('init.mp4')) response.end(packager.initSegments.video);
    else if (request.url?.endsWith(`/${FIRST_SEGMENT}.m4s`)) response.end(concatBytes(segment));
    else response.writeHead(503).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  vi.stubGlobal('MediaSource', StandInSource);
  vi.spyOn(URL, 'createObjectURL').mockReturnValue('blob:stand-in');
  const playing = new ClockMseEngine({
    media: { currentTime: 0, src: '', removeAttribute: () => undefined, load: () => undefined } as never,
    rendition: 'video',
    streamUrl: `http://127.0.0.1:${port}/open/cam-1/`,
    startLatencyMs: 400,
    plan: () => DELIVERY_PLANS['lowest-latency'],
    latencyMs: () => 400,
    wantedLatencyMs: () => 400,
    serverNowMs: () => NOW_MS,
    onMedia: () => undefined,
    onFailed: () => undefined,
  });
  engine = playing;
  playing.start();
  await vi.waitFor(() => expect(playing.sinceCaptureMs).toBe(CAPTURE_TO_GRID_MS), 5_000);
  return playing;
}

test('a pane’s instants are those of the content, which lies off its slot by what the chunks say', async () => {
  const [early, late] = [await play(-9), await play(11)];
  expect((late.zeroInstantMs ?? 0) - (early.zeroInstantMs ?? 0)).toBeCloseTo(20, 2);
  expect((late.zeroInstantMs ?? 0) - 11).toBeCloseTo(EPOCH_MS + FIRST_SEGMENT * PROFILE.segmentMs, 2);
});

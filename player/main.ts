/** The page: panes for up to six feeds, one of them heard. */
import type { Rendition } from '../domain/renditions.ts';
import { ClockMseEngine } from './engines/clock-mse.ts';
import { type Engine, type EngineOptions, signedUrl } from './engines/engine.ts';
import { engineFromAddress, streamUrl } from './selection.ts';
import { askTime, fetchStreams } from './server.ts';
import { ServerClock } from './server-clock.ts';
import { drawApp } from './ui/app.tsx';
import { PlayerState } from './ui/player-state.ts';
import { resumeTheme } from './ui/theme.ts';
import { ticketFromAddress, ViewerSession } from './viewer-session.ts';
import { Wall, type WallMeasure } from './wall.ts';
import { choiceFromAddress } from './wall-choice.ts';

declare global {
  interface Window {
    /** For tests, the bench and the curious: what every pane does now. */
    mirror: {
      readonly measure: () => WallMeasure;
      readonly serverNowMs: () => number;
      readonly clockUncertaintyMs: () => number | undefined;
      readonly wall: Wall;
      readonly session: ViewerSession;
    };
  }
}

const STREAMS_EVERY_MS = 1_000;
const TIME_EVERY_MS = 30_000;
/** Round trips at the start, of which the fastest counts. */
const FIRST_TIME_SAMPLES = 5;
const FIRST_TIME_EVERY_MS = 200;

const localNowMs = () => performance.timeOrigin + performance.now();
const clock = new ServerClock(localNowMs);
resumeTheme();

const session: ViewerSession = new ViewerSession({
  fetch: (path, init) => fetch(path, init),
  storage: sessionStorage,
  setTimer: (work, ms) => void setTimeout(work, ms),
  onChange: () => state.sessionChanged(session),
});
const wall: Wall = new Wall({
  serverNowMs: () => clock.nowMs(),
  makeEngine: await engineMaker(),
  makeMedia,
  streamUrlOf: (id) => streamUrl(id, location, session.queryOf(id) === '' ? 'open' : 'live'),
  signedQueryOf: (id) => session.queryOf(id),
  onChange: () => state.wallChanged(),
});
const state = new PlayerState({
  wall,
  session,
  search: () => location.search,
  remember: (address, how) =>
    how === 'push' ? history.pushState(null, '', address) : history.replaceState(null, '', address),
  nowMs: localNowMs,
});

window.mirror = {
  measure: () => wall.measure,
  serverNowMs: () => clock.nowMs(),
  clockUncertaintyMs: () => clock.uncertaintyMs,
  wall,
  session,
};

/** hls.js is most of the page's weight: it is loaded only where it is used. */
async function engineMaker(): Promise<(options: EngineOptions) => Engine> {
  if (engineFromAddress(location.search) === 'clock-mse') return (options) => new ClockMseEngine(options);
  const { HlsJsEngine } = await import('./engines/hls-js.ts');
  return (options) => new HlsJsEngine(options);
}

/** A picture's element is muted: its sound comes from an element of its own. */
function makeMedia(rendition: Rendition): HTMLMediaElement {
  if (rendition === 'audio') return new Audio();
  const video = document.createElement('video');
  // The button over the picture is what the keys reach.
  video.tabIndex = -1;
  video.playsInline = true;
  video.disableRemotePlayback = true;
  video.muted = true;
  return video;
}

async function keepStreams(): Promise<never> {
  for (;;) {
    state.knowStreams(await fetchStreams());
    await pause(STREAMS_EVERY_MS);
  }
}

/** Before the panes start, so that each knows from the beginning whether it has a signature. */
async function letIn(): Promise<void> {
  const admission = ticketFromAddress(location.hash);
  if (!admission) return session.resume();
  // Out of the address, the history and whatever is copied from there: it opens one session only.
  history.replaceState(null, '', location.pathname + location.search);
  return session.open(admission.ticket, choiceFromAddress(location.search).streamIds ?? admission.streamIds);
}

/** Any stream's server tells it: they keep one time. */
async function askServerTime(): Promise<boolean> {
  const id = wall.streamIds[0];
  return id !== undefined && askTime(clock, timeUrl(id), localNowMs);
}

function timeUrl(id: string): string {
  const query = session.queryOf(id);
  return signedUrl(`${streamUrl(id, location, query === '' ? 'open' : 'live')}time`, query);
}

async function keepTime(): Promise<never> {
  for (let count = 1; ; count++) {
    const answered = await askServerTime();
    await pause(!answered || count < FIRST_TIME_SAMPLES ? FIRST_TIME_EVERY_MS : TIME_EVERY_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const app = document.getElementById('app');
if (app) drawApp(app, { state, wall });
addEventListener('popstate', () => state.addressChanged());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void askServerTime();
});
await letIn();
wall.start();
void keepStreams();
void keepTime();

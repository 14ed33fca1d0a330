/** The page: panes for up to six feeds, one of them heard. */
import { CMCD_CONTENT_TYPE, CMCD_PATH } from '../domain/cmcd.ts';
import type { Rendition } from '../domain/renditions.ts';
import { deliveryFromAddress } from './delivery.ts';
import { engineMaker, engineSupport, enginesFor } from './engines/choose.ts';
import { signedUrl } from './engines/engine.ts';
import { askingForCookies, cookieStreamUrl } from './engines/signed-cookies.ts';
import { engineFromAddress, statedMediaOrigin, streamUrl } from './selection.ts';
import { askTime, fetchStreams } from './server.ts';
import { ServerClock } from './server-clock.ts';
import { TimeKeeper } from './time-keeper.ts';
import { drawApp } from './ui/app.tsx';
import { resumeCharacterKeys } from './ui/character-keys.ts';
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

const SOUND_KEY = 'mirror-sound';
const STREAMS_EVERY_MS = 1_000;

const localNowMs = () => performance.timeOrigin + performance.now();
const clock = new ServerClock(localNowMs);
resumeTheme();
resumeCharacterKeys();

const support = engineSupport(globalThis, (type) => document.createElement('video').canPlayType(type));
const engines = enginesFor(engineFromAddress(location.search), support);
const needsCookies = engines[0] === 'native-hls';
const ask = (path: string, init: RequestInit) => fetch(path, init);
const session: ViewerSession = new ViewerSession({
  fetch: needsCookies ? askingForCookies(ask) : ask,
  storage: sessionStorage,
  setTimer: (work, ms) => void setTimeout(work, ms),
  newKey: () => crypto.getRandomValues(new Uint32Array(4)).join('-'),
  onChange: () => state.sessionChanged(session),
});
const wall: Wall = new Wall({
  serverNowMs: () => clock.nowMs(),
  makeEngine: engineMaker(engines),
  delivery: deliveryFromAddress(location.search) ?? 'lowest-latency',
  makeMedia,
  streamUrlOf: urlOf,
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
  soundMemory: {
    get wasOn() {
      return sessionStorage.getItem(SOUND_KEY) === 'on';
    },
    set wasOn(on) {
      sessionStorage.setItem(SOUND_KEY, on ? 'on' : 'off');
    },
  },
});

window.mirror = {
  measure: () => wall.measure,
  serverNowMs: () => clock.nowMs(),
  clockUncertaintyMs: () => clock.uncertaintyMs,
  wall,
  session,
};

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
  const { streamIds, delivery } = choiceFromAddress(location.search);
  return session.open(admission.ticket, streamIds ?? admission.streamIds, delivery);
}

/** Any stream's server tells it: they keep one time. */
async function askServerTime(): Promise<boolean> {
  const id = wall.streamIds[0];
  return id !== undefined && askTime(clock, timeUrl(id), localNowMs);
}

function timeUrl(id: string): string {
  return signedUrl(`${urlOf(id)}time`, session.queryOf(id));
}

function urlOf(id: string): string {
  const access = session.queryOf(id) === '' ? 'open' : 'live';
  return needsCookies
    ? cookieStreamUrl(id, access, location, statedMediaOrigin())
    : streamUrl(id, location, access);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const app = document.getElementById('app');
if (app) drawApp(app, { state, wall });
addEventListener('popstate', () => state.addressChanged());
const timeKeeper = new TimeKeeper({
  ask: askServerTime,
  monotonicNowMs: localNowMs,
  wallNowMs: () => Date.now(),
});
addEventListener('online', () => timeKeeper.askSoon());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) timeKeeper.askSoon();
});
await letIn();
wall.start();
void keepStreams();
void timeKeeper.run(new AbortController().signal);
void tellHowItGoes();

/** The encoder of reports is loaded when there is something to tell. */
async function tellHowItGoes(): Promise<void> {
  const { CmcdReporter } = await import('./cmcd.ts');
  const leaving = new AbortController();
  addEventListener('pagehide', () => leaving.abort(), { once: true });
  const url = `${statedMediaOrigin() ?? ''}${CMCD_PATH}`;
  const headers = { 'content-type': CMCD_CONTENT_TYPE };
  const reporter = new CmcdReporter({
    panes: () => wall.measure.panes,
    // A report that does not arrive is not missed.
    send: (body) =>
      void fetch(url, { method: 'POST', headers, body, keepalive: true }).catch(() => undefined),
    sessionId: [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(16)).join('-'),
    nowMs: () => clock.nowMs(),
    isHidden: () => document.hidden,
  });
  await reporter.run(leaving.signal);
}

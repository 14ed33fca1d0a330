/** Two pages, each with one player of others that plays the URL in its query and reports how it goes. */

/** What a page says of its player. */
export interface PlayerReport {
  readonly shownFrameCount: number;
  readonly latencyMs: number;
  readonly stallCount: number;
  readonly audioByteCount: number;
  /** Errors after which the player gave up. */
  readonly problems: readonly string[];
}

declare global {
  interface Window {
    readPlayer: () => PlayerReport;
  }
}

/** By path: the packages export modules for bundlers, and a page wants the script. */
export const PLAYER_SCRIPTS: Readonly<Record<string, URL>> = {
  '/hls.js': new URL('../../../node_modules/hls.js/dist/hls.min.js', import.meta.url),
  '/dash.js': new URL('../../../node_modules/dashjs/dist/modern/umd/dash.all.min.js', import.meta.url),
};

const page = (script: string, play: string) => `<!doctype html>
<meta charset="utf-8"><title>Players</title>
<video muted autoplay playsinline></video>
<script src="${script}"></script>
<script>
const video = document.querySelector('video');
const url = decodeURIComponent(location.hash.slice(1));
const problems = [];
let stallCount = 0;
let latencyMs = () => NaN;
${play}
window.readPlayer = () => {
  return {
    // Not by video.played, which counts what a player jumped over as well.
    shownFrameCount: video.getVideoPlaybackQuality().totalVideoFrames,
    latencyMs: latencyMs(),
    stallCount,
    audioByteCount: video.webkitAudioDecodedByteCount,
    problems,
  };
};
</script>`;

export const PLAYER_PAGES: Readonly<Record<string, string>> = {
  '/hls': page(
    '/hls.js',
    `const hls = new Hls({
      lowLatencyMode: true,
      liveSyncDuration: 0.5,
      liveMaxLatencyDuration: 3,
      maxFragLookUpTolerance: 0.01,
      liveDurationInfinity: true,
      // Trimming at any moment it forgets parts that are on their way (player/engines/hls-js.ts).
      backBufferLength: Infinity,
    });
    hls.on('hlsError', (event, data) => {
      if (data.fatal) problems.push(data.details);
      if (data.details === 'bufferStalledError') stallCount += 1;
    });
    // Null until the first fragment plays.
    latencyMs = () => Date.now() - (hls.playingDate?.getTime() ?? NaN);
    hls.loadSource(url);
    hls.attachMedia(video);`,
  ),
  '/dash': page(
    '/dash.js',
    `const player = dashjs.MediaPlayer().create();
    player.on('error', (event) => problems.push(event.error.message));
    player.on('playbackStalled', () => { stallCount += 1; });
    latencyMs = () => player.getCurrentLiveLatency() * 1000;
    player.initialize(video, url, true);`,
  ),
};

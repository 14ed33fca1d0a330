/** The command line of a test feed. */
import { parseArgs } from 'node:util';
import { MirrorError, messageOf } from '../../domain/errors.ts';
import { AUDIO_CODECS, type FeedOptions, parseFeedOptions, VIDEO_CODECS } from './options.ts';
import { FeedSender } from './sender.ts';

const HELP = `Sends a test feed: a moving picture with its name and a clock, and a tone.

  npm run feed -- --to srt://127.0.0.1:9001 [options]

  --to URL            srt://host:port?passphrase=...&streamid=...&latency=MICROSECONDS&mode=caller|listener
                      rtp://host:port       MPEG-TS in RTP
                      rtp+sdp://host:port[?second=PORT]   elementary streams in RTP; prints the SDP;
                                            the sound goes to the second port, two above the first
  --name TEXT         shown in the picture
  --number N          0-255: theme, pitch, and part of the machine-readable clock
  --codec NAME        ${VIDEO_CODECS.join(' ')}
  --size WxH          640x360
  --fps RATE          24 25 29.97 30 50 59.94 60, or a fraction such as 30000/1001
  --sar W:H           shape of a pixel
  --interlaced        h264 and mpeg2 only
  --hdr pq|hlg        with a 10-bit codec
  --bitrate MBPS      video, 0.05 to 100
  --gop MS            time between keyframes
  --audio NAME        ${AUDIO_CODECS.join(' ')}
  --channels 1|2|6
  --audio-bursts      audio leaves in bursts, as from FFmpeg's own muxer
  --no-beep           no beep each second
  --drift PPM         the feed's clock runs so much faster
  --capture-time NAME precision (MISB ST 0604) or timecode (HEVC): tells beside each picture when it was captured
  --wrap-in SECONDS   the 33-bit timestamps wrap after this time
  --jump AT:BY        after AT seconds timestamps jump by BY seconds; may be repeated
  --pause AT:FOR      after AT seconds nothing is sent for FOR seconds; may be repeated
  --garbage RATE      share of TS packets overwritten with random bytes
  --truncate RATE     share of TS packets cut short
  --seed N            repeats the same damage
  --rehearse SECONDS  encodes so much before it starts, and repeats it
  --noise             a picture that takes many bits; use with --bitrate
  --duration SECONDS  ends cleanly after this time
  --quiet             no line each second
`;

/** @returns the exit code. */
export async function runFeedCommand(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const { values } = parseFeedArgs(args);
    if (values.help || !values.to) {
      process.stdout.write(HELP);
      return values.help ? 0 : 2;
    }
    const sender = new FeedSender(toFeedOptions(values, values.to));
    void sender.connected.then(({ sdp }) => sdp && process.stdout.write(sdp));
    const reporter = values.quiet ? undefined : setInterval(() => report(sender), 1_000);
    try {
      await sender.run(stop.signal);
    } finally {
      clearInterval(reporter);
    }
    return 0;
  } catch (error) {
    // Of Node's parser of arguments.
    const isUsage = error instanceof TypeError;
    const remedy = error instanceof MirrorError ? ` ${error.remedy}` : '';
    const hint = isUsage ? '. See npm run feed -- --help.' : '';
    process.stderr.write(`${messageOf(error)}${remedy}${hint}\n`);
    return isUsage ? 2 : 1;
  }
}

function parseFeedArgs(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      to: { type: 'string' },
      name: { type: 'string' },
      number: { type: 'string' },
      codec: { type: 'string' },
      size: { type: 'string' },
      fps: { type: 'string' },
      sar: { type: 'string' },
      interlaced: { type: 'boolean' },
      hdr: { type: 'string' },
      bitrate: { type: 'string' },
      gop: { type: 'string' },
      audio: { type: 'string' },
      channels: { type: 'string' },
      'audio-bursts': { type: 'boolean' },
      'no-beep': { type: 'boolean' },
      drift: { type: 'string' },
      'capture-time': { type: 'string' },
      'wrap-in': { type: 'string' },
      jump: { type: 'string', multiple: true },
      pause: { type: 'string', multiple: true },
      garbage: { type: 'string' },
      truncate: { type: 'string' },
      seed: { type: 'string' },
      rehearse: { type: 'string' },
      noise: { type: 'boolean' },
      duration: { type: 'string' },
      quiet: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
}

type FeedArgs = ReturnType<typeof parseFeedArgs>['values'];

/** Unknown words are passed on: the schema names the option and what it takes. */
function toFeedOptions(values: FeedArgs, to: string): FeedOptions {
  const input: Record<string, unknown> = { to };
  const set = (option: string, value: unknown) => {
    if (value !== undefined) input[option] = value;
  };
  const number = (text: string | undefined, factor = 1) =>
    text === undefined ? undefined : Math.round(Number(text) * factor);
  set('name', values.name);
  set('feedNumber', number(values.number));
  set('videoCodec', values.codec);
  if (values.size !== undefined) {
    const [width, height] = values.size.split('x');
    set('widthPx', Number(width));
    set('heightPx', Number(height));
  }
  set('frameRate', values.fps === undefined ? undefined : parseFrameRate(values.fps));
  set('sampleAspectRatio', values.sar === undefined ? undefined : parseFraction(values.sar, ':'));
  set('interlaced', values.interlaced);
  set('hdr', values.hdr);
  set('videoBitrateBps', number(values.bitrate, 1e6));
  set('gopMs', number(values.gop));
  set('audioCodec', values.audio);
  set('audioChannelCount', number(values.channels));
  set('audioBursts', values['audio-bursts']);
  set('beep', values['no-beep'] ? false : undefined);
  set('driftPpm', values.drift === undefined ? undefined : Number(values.drift));
  set('captureTime', values['capture-time']);
  const wrapInMs = number(values['wrap-in'], 1000);
  set('startPtsTicks', wrapInMs === undefined ? undefined : 2 ** 33 - wrapInMs * 90);
  set(
    'timestampJumps',
    values.jump?.map((text) => pair(text, 'atMs', 'byMs')),
  );
  set(
    'pauses',
    values.pause?.map((text) => pair(text, 'atMs', 'forMs')),
  );
  set('garbageRate', values.garbage === undefined ? undefined : Number(values.garbage));
  set('truncateRate', values.truncate === undefined ? undefined : Number(values.truncate));
  set('seed', number(values.seed));
  set('rehearsedMs', number(values.rehearse, 1000));
  set('texture', values.noise ? 'noise' : undefined);
  set('durationMs', number(values.duration, 1000));
  return parseFeedOptions(input);
}

/** `29.97` means 30000/1001, as everywhere in television. */
export function parseFrameRate(text: string): { num: number; den: number } {
  if (text.includes('/')) return parseFraction(text, '/');
  const rate = Number(text);
  const nominal = Math.ceil(rate);
  const isNtsc = nominal !== rate && Math.abs(rate - (nominal * 1000) / 1001) < 0.01;
  return isNtsc ? { num: nominal * 1000, den: 1001 } : { num: Math.round(rate * 1000), den: 1000 };
}

function parseFraction(text: string, separator: string): { num: number; den: number } {
  const [num, den] = text.split(separator);
  return { num: Number(num), den: Number(den) };
}

function pair(text: string, first: string, second: string): Record<string, number> {
  const [a, b] = text.split(':');
  return { [first]: Math.round(Number(a) * 1000), [second]: Math.round(Number(b) * 1000) };
}

function report(sender: FeedSender): void {
  const { frameCount, droppedFrameCount, byteCount, sendDelayMs } = sender.snapshot();
  process.stderr.write(
    `${frameCount} frames, ${droppedFrameCount} dropped, ${(byteCount / 1e6).toFixed(1)} MB, ` +
      `${sendDelayMs.toFixed(1)} ms from capture to network\n`,
  );
}

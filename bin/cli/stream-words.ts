/**
 * A stream's feed, source and counters as a person reads them. An API that is newer than this client may answer
 * what is not known here: that is shown as it came.
 */
import * as z from 'zod';
import { streamIngestSchema } from '../../domain/control/ingest-request.ts';
import { sourceInWords } from '../../domain/source-words.ts';

export function ingestWords(answered: unknown): string {
  const parsed = streamIngestSchema.safeParse(answered);
  if (!parsed.success) return JSON.stringify(answered);
  const ingest = parsed.data;
  const sources =
    'allowedSources' in ingest && ingest.allowedSources ? ` from ${ingest.allowedSources.join(', ')}` : '';
  const streamId =
    'streamId' in ingest && ingest.streamId !== undefined ? `, streamid ${ingest.streamId}` : '';
  if (ingest.protocol === 'srt-listener')
    return `SRT, waits for the encoder, latency ${ingest.latencyMs} ms${streamId}`;
  if (ingest.protocol === 'srt-caller')
    return `SRT, calls ${ingest.host}:${ingest.port}, latency ${ingest.latencyMs} ms${streamId}`;
  return `${ingest.protocol === 'rtp-mpegts' ? 'MPEG-TS over RTP' : 'RTP as its SDP says'}${sources}`;
}

const sourceSchema = z.object({
  video: z
    .object({
      codec: z.string(),
      profile: z.string().optional(),
      widthPx: z.number(),
      heightPx: z.number(),
      frameRate: z.number().optional(),
      interlaced: z.boolean().optional(),
      decoder: z.enum(['cpu', 'nvidia']),
    })
    .optional(),
  audio: z.object({ codec: z.string(), sampleRateHz: z.number(), channelCount: z.number() }).optional(),
  remoteAddress: z.string().optional(),
});

export function sourceWords(answered: unknown): string | undefined {
  if (answered === undefined) return undefined;
  const parsed = sourceSchema.safeParse(answered);
  if (!parsed.success) return JSON.stringify(answered);
  return sourceInWords(parsed.data);
}

const refusedFeedSchema = z.object({ atMs: z.number(), reason: z.string(), remedy: z.string() });

/** The newest feed that was turned away: why, and what to do at its encoder. */
export function refusedFeedWords(answered: unknown): string | undefined {
  if (answered === undefined) return undefined;
  const parsed = refusedFeedSchema.safeParse(answered);
  if (!parsed.success) return JSON.stringify(answered);
  const { atMs, reason, remedy } = parsed.data;
  return `${new Date(atMs).toISOString()} ${reason}. ${remedy}`;
}

/** Names and values of the counters, and of them only those that say something: not 0. */
export function counterRows(answered: unknown): readonly (readonly string[])[] {
  const counters = z.record(z.string(), z.unknown()).safeParse(answered);
  return Object.entries(counters.data ?? {}).flatMap(([name, value]) =>
    typeof value === 'number' && value !== 0 ? [[wordsOfName(name), valueWords(name, value)]] : [],
  );
}

/** `droppedFrameCount` -> `dropped frames`; `partLatencyMs` -> `part latency`. */
function wordsOfName(name: string): string {
  const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  if (words.endsWith(' count')) return `${words.slice(0, -' count'.length)}s`;
  return words.replace(/ (?:bps|ms)$/, '');
}

function valueWords(name: string, value: number): string {
  if (name.endsWith('Bps')) return `${(value / 1_000_000).toFixed(2)} Mbit/s`;
  if (name.endsWith('ByteCount')) return `${(value / 1_000_000).toFixed(1)} MB`;
  if (name.endsWith('Ms')) return `${Math.round(value)} ms`;
  return String(value);
}

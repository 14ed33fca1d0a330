/**
 * The Producer Reference Time box (ISO 14496-12 §8.16.5): when the content of the chunk that follows was captured.
 *
 * A slot of the grid is a frame long, so content lies up to a frame from where it would lie exactly. Players that
 * read this can put feeds in step to the millisecond, and know their latency from glass to glass.
 */
import { EPOCH_MS } from '../timeline.ts';
import { BOX_HEADER_BYTE_COUNT, fullBox, u32, u64 } from './box.ts';

export interface ProducerReference {
  /**
   * `captured`: `unixMs` is when the camera captured it, by its own clock. `arrived`: nobody knows that; it is where
   * the content would lie on the grid, by when it came in, if the grid had no slots.
   */
  readonly kind: 'captured' | 'arrived';
  readonly unixMs: number;
}

/** Flags: the real time of what is seen; or a time that is only consistent within the track. */
const FLAGS = { captured: 24, arrived: 8 } as const;
/** NTP counts seconds from 1900 (RFC 5905 §6), in 32 bits, which begin again in 2036. */
const NTP_TO_UNIX_S = 2_208_988_800;
const ERA_MS = 2 ** 32 * 1000;
const FRACTION = 2 ** 32;
const BOX_BYTE_COUNT = BOX_HEADER_BYTE_COUNT + 4 + 4 + 8 + 8;

/** @param at.mediaTimeTicks decode time of the first sample that follows, in the track's timescale. */
export function writeProducerReference(
  { kind, unixMs }: ProducerReference,
  at: { readonly trackId: number; readonly mediaTimeTicks: number },
): Uint8Array {
  const sinceNtpMs = unixMs + NTP_TO_UNIX_S * 1000;
  const seconds = Math.floor(sinceNtpMs / 1000);
  const fraction = Math.min(FRACTION - 1, Math.round((sinceNtpMs / 1000 - seconds) * FRACTION));
  const time = u32(seconds % FRACTION, fraction);
  return fullBox('prft', { version: 1, flags: FLAGS[kind] }, u32(at.trackId), time, u64(at.mediaTimeTicks));
}

/**
 * Reads the box at the very beginning of a chunk of ours.
 *
 * @param timescaleHz of the track that the chunk belongs to; its media time is ticks since EPOCH.
 * @returns the reference and the instant on the grid that it is about (Unix ms); undefined for anything else.
 */
export function readProducerReference(
  bytes: Uint8Array,
  timescaleHz: number,
): (ProducerReference & { readonly gridMs: number }) | undefined {
  if (bytes.byteLength < BOX_BYTE_COUNT) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, BOX_BYTE_COUNT);
  const isOurs = view.getUint32(0) === BOX_BYTE_COUNT && view.getUint32(4) === 0x7072_6674;
  const flags = view.getUint32(8) & 0xff_ffff;
  if (!isOurs || view.getUint8(8) !== 1 || (flags !== FLAGS.captured && flags !== FLAGS.arrived))
    return undefined;
  const ntpMs = (view.getUint32(16) + view.getUint32(20) / FRACTION) * 1000;
  const gridMs = EPOCH_MS + (Number(view.getBigUint64(24)) * 1000) / timescaleHz;
  const firstEraMs = ntpMs - NTP_TO_UNIX_S * 1000;
  const unixMs = firstEraMs + Math.round((gridMs - firstEraMs) / ERA_MS) * ERA_MS;
  return { kind: flags === FLAGS.captured ? 'captured' : 'arrived', unixMs, gridMs };
}

/**
 * How a feed is to arrive, as the operator states it. Address and port of a listener come from the slot, and
 * passphrases live in the secret store, so neither is part of what a record keeps.
 */
import * as z from 'zod';
import { SEED_LIMITS } from '../profile.ts';
import { passphraseSchema } from '../stream.ts';
import { CONTROL_LIMITS } from './limits.ts';
import { plainText } from './text.ts';

const latencyMsSchema = z.int().min(20).max(8_000);
const allowedSourcesSchema = z
  .array(z.union([z.ipv4(), z.ipv6()], 'must be an IPv4 or IPv6 address'))
  .min(1)
  .max(CONTROL_LIMITS.allowedSourceCountMax);
/** Host names (RFC 1123) and IP literals without brackets. Which addresses may be called is checked apart. */
const callHostSchema = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9:._-]+$/, 'must be a host name or an IP address');

const srtListener = z.strictObject({
  protocol: z.literal('srt-listener'),
  latencyMs: latencyMsSchema.default(SEED_LIMITS.srtLatencyMs),
  /** Only an encoder that sends this SRT streamid is let in. */
  streamId: plainText(CONTROL_LIMITS.srtStreamIdCharCountMax).optional(),
});
const srtCaller = z.strictObject({
  protocol: z.literal('srt-caller'),
  host: callHostSchema,
  port: z.int().min(1).max(65_535),
  latencyMs: latencyMsSchema.default(SEED_LIMITS.srtLatencyMs),
  streamId: plainText(CONTROL_LIMITS.srtStreamIdCharCountMax).optional(),
});
const rtpMpegts = z.strictObject({
  protocol: z.literal('rtp-mpegts'),
  allowedSources: allowedSourcesSchema.optional(),
});
const rtpSdp = z.strictObject({
  protocol: z.literal('rtp-sdp'),
  sdp: z
    .string()
    .min(1)
    .max(CONTROL_LIMITS.sdpCharCountMax)
    .regex(/^[\x20-\x7e\r\n\t]+$/, 'must be printable ASCII in lines'),
  allowedSources: allowedSourcesSchema.optional(),
});

/** What a record keeps. */
export const streamIngestSchema = z.discriminatedUnion('protocol', [
  // No caller of the API can ask for it: only what wires a single machine lets its own feeds in without one.
  srtListener.extend({ unencrypted: z.literal(true).optional() }),
  srtCaller,
  rtpMpegts,
  rtpSdp,
]);
export type StreamIngest = z.output<typeof streamIngestSchema>;

/** What create takes: the same, and the passphrase of the server that is to be called. */
export const createIngestSchema = z.discriminatedUnion('protocol', [
  srtListener,
  srtCaller.extend({ passphrase: passphraseSchema.optional() }),
  rtpMpegts,
  rtpSdp,
]);
export type CreateIngest = z.output<typeof createIngestSchema>;

/** How init segments, parts and segments are answered. */
import { MAX_SEGMENTS_AHEAD } from '../domain/hls/blocking-reload.ts';
import { NO_ORDINAL } from '../domain/hls/part-log.ts';
import { tracksOf } from '../domain/hls/rendition-timeline.ts';
import { partKey } from '../domain/media-store.ts';
import type { Rendition } from '../domain/renditions.ts';
import { partFromOrdinal } from '../domain/timeline.ts';
import type { Exchange, Outcome } from './exchange.ts';
import { contentTypeOf, type KnownStream, type RenditionWindow } from './known-stream.ts';
import { CACHE, type ErrorAnswer, prepare } from './response.ts';
import type { ReadOutcome } from './store-reads.ts';

/** Reads what is older than the window from the media store. */
export type Archive = (key: string) => Promise<ReadOutcome>;

const NO_SUCH_MEDIA: ErrorAnswer = { status: 404, reason: 'There is no such media.' };
const IS_GAP: ErrorAnswer = { status: 404, reason: 'This media was never made: a gap.' };
const TOO_FAR_AHEAD: ErrorAnswer = {
  status: 404,
  reason: 'Not yet: ask when it is at most two segments ahead.',
};
const STORE_FAILED: ErrorAnswer = { status: 503, reason: 'The media store does not answer. Try again.' };

export function answerInit(exchange: Exchange, known: KnownStream, window: RenditionWindow): Outcome {
  const state = known.initState(window);
  if (state.kind === 'ready') return exchange.sendMedia(state.prepared);
  if (state.kind === 'failed') return exchange.fail(STORE_FAILED);
  // The runner stores the init segment before its first part: before that, it may be on its way.
  const mayCome = state.kind === 'loading' || known.tracks.video.log.headOrdinal === NO_ORDINAL;
  return mayCome ? exchange.stream.media : exchange.fail(NO_SUCH_MEDIA);
}

export function answerPart(
  exchange: Exchange,
  known: KnownStream,
  window: RenditionWindow,
  ordinal: number,
  archive: Archive,
): Outcome {
  const { stream } = exchange;
  const state = known.partState(window, ordinal);
  switch (state.kind) {
    case 'ready':
      return exchange.sendMedia(state.prepared);
    case 'loading':
      return stream.media;
    case 'ahead':
      return waitAhead(exchange, known, window, ordinal);
    case 'old':
      return answerFromStore(exchange, known, window, { first: ordinal, end: ordinal + 1 }, archive);
    case 'gap':
      return exchange.fail(IS_GAP);
    case 'absent':
      return exchange.fail(NO_SUCH_MEDIA);
    default:
      return exchange.fail(STORE_FAILED);
  }
}

interface OrdinalRange {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

/**
 * A complete segment, or several that are asked for together, is one body with its length. One in the making is
 * answered at once and grows part by part. One that has not begun is waited for. Parts that are gaps are left
 * out.
 */
export function answerSegments(
  exchange: Exchange,
  known: KnownStream,
  window: RenditionWindow,
  asked: { readonly mediaSequenceNumber: number; readonly segmentCount: number },
  archive: Archive,
): Outcome {
  const { partsPerSegment } = known.rules;
  const { headOrdinal } = window.timeline;
  const first = asked.mediaSequenceNumber * partsPerSegment;
  const wholeEnd = first + asked.segmentCount * partsPerSegment;
  const wasCutShort = exchange.stream.ended && first <= headOrdinal;
  const end = wasCutShort ? Math.min(wholeEnd, headOrdinal + 1) : wholeEnd;
  if (exchange.streaming || end - 1 > headOrdinal)
    return growSegment(exchange, known, window, { first, end });
  return answerWholeSegment(exchange, known, window, { first, end }, archive);
}

/** All of the segment's parts are announced, though perhaps not all of their bytes are here. */
function answerWholeSegment(
  exchange: Exchange,
  known: KnownStream,
  window: RenditionWindow,
  range: OrdinalRange,
  archive: Archive,
): Outcome {
  const { stream } = exchange;
  const { partsPerSegment } = known.rules;
  const mediaSequenceNumber = range.first / partsPerSegment;
  const kept = range.end - range.first > partsPerSegment ? window.joinedSegments : window.segments;
  const joined = kept.get(mediaSequenceNumber);
  if (joined) return exchange.sendMedia(joined);
  const pieces: Uint8Array[] = [];
  let isLoading = false;
  for (let ordinal = range.first; ordinal < range.end; ordinal += 1) {
    // Each state is asked for even when one is loading: asking is what starts a read.
    const state = known.partState(window, ordinal);
    if (state.kind === 'ready') pieces.push(state.prepared.bytes);
    else if (state.kind === 'old') return answerFromStore(exchange, known, window, range, archive);
    else if (state.kind === 'failed') return exchange.fail(STORE_FAILED);
    else if (state.kind === 'absent') return exchange.fail(NO_SUCH_MEDIA);
    else if (state.kind === 'loading') isLoading = true;
  }
  if (isLoading) return stream.media;
  if (pieces.length === 0) return exchange.fail(IS_GAP);
  const whole = prepare(Buffer.concat(pieces), contentTypeOf(window.timeline.rendition), CACHE.media);
  // The last segment of a broadcast that may be opened again could still grow.
  if (!stream.ended) kept.set(mediaSequenceNumber, whole);
  return exchange.sendMedia(whole);
}

/** Sends what there is of the segment and has not been sent, and waits for the rest. */
function growSegment(
  exchange: Exchange,
  known: KnownStream,
  window: RenditionWindow,
  range: OrdinalRange,
): Outcome {
  const { stream } = exchange;
  for (let ordinal = exchange.nextOrdinal ?? range.first; ordinal < range.end; ordinal += 1) {
    exchange.nextOrdinal = ordinal;
    const state = known.partState(window, ordinal);
    if (state.kind === 'loading') return stream.media;
    if (state.kind === 'ahead') return waitAhead(exchange, known, window, ordinal);
    if (state.kind === 'ready') {
      if (!exchange.streaming) exchange.beginBody(contentTypeOf(window.timeline.rendition));
      if (exchange.headOnly) return 'answered';
      exchange.writeBody(state.prepared.bytes);
      stream.extendDeadline(exchange);
    } else if (state.kind !== 'gap') {
      // A body with a hole would be cached as the segment for a day: broken off, it is not.
      return exchange.fail(STORE_FAILED);
    }
  }
  return exchange.streaming ? exchange.endBody() : exchange.fail(IS_GAP);
}

/** A client may ask for what comes next, within limits, and waits for it. */
function waitAhead(
  exchange: Exchange,
  known: KnownStream,
  window: RenditionWindow,
  ordinal: number,
): Outcome {
  const { stream } = exchange;
  const { headOrdinal } = window.timeline;
  if (stream.ended) {
    return exchange.fail(NO_SUCH_MEDIA);
  }
  const { partsPerSegment } = known.rules;
  const newest = Math.floor(headOrdinal / partsPerSegment);
  if (headOrdinal !== NO_ORDINAL && Math.floor(ordinal / partsPerSegment) > newest + MAX_SEGMENTS_AHEAD) {
    return exchange.fail(TOO_FAR_AHEAD);
  }
  return stream.media;
}

/** What is older than the window is read from the media store for this one request and not kept. */
function answerFromStore(
  exchange: Exchange,
  known: KnownStream,
  window: RenditionWindow,
  range: OrdinalRange,
  archive: Archive,
): Outcome {
  const { archived } = exchange;
  const { rendition } = window.timeline;
  if (!archived) {
    exchange.archived = { kind: 'loading' };
    void readArchived(exchange, known, rendition, range, archive);
    return exchange.stream.media;
  }
  if (archived.kind === 'loading') return exchange.stream.media;
  if (archived.kind === 'found')
    return exchange.sendMedia(prepare(archived.bytes, contentTypeOf(rendition), CACHE.media));
  return exchange.fail(archived.kind === 'absent' ? NO_SUCH_MEDIA : STORE_FAILED);
}

async function readArchived(
  exchange: Exchange,
  known: KnownStream,
  rendition: Rendition,
  range: OrdinalRange,
  archive: Archive,
): Promise<void> {
  const { streamId } = exchange.stream;
  const tracks = tracksOf(rendition, known.info);
  const outcomes = [];
  for (let ordinal = range.first; ordinal < range.end; ordinal += 1) {
    const position = partFromOrdinal(ordinal, known.info);
    outcomes.push(Promise.all(tracks.map((track) => archive(partKey(streamId, track, position)))));
  }
  const pieces: Uint8Array[] = [];
  let failed = false;
  for (const part of await Promise.all(outcomes)) {
    failed ||= part.some((outcome) => outcome.kind === 'failed');
    // A part of `av` that lacks one of its tracks is a gap.
    if (part.some((outcome) => outcome.kind !== 'found')) continue;
    for (const outcome of part) if (outcome.kind === 'found') pieces.push(outcome.bytes);
  }
  if (failed) exchange.archived = { kind: 'failed' };
  else if (pieces.length === 0) exchange.archived = { kind: 'absent' };
  else exchange.archived = { kind: 'found', bytes: Buffer.concat(pieces) };
  exchange.retry();
}

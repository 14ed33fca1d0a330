/**
 * Random histories of a stream: runners that lose parts, crash, come back, end and start again, origins that
 * join late. Whatever happened, each playlist is valid by itself and follows from the one before it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hlsRulesOf } from '../../../domain/hls/hls-rules.ts';
import { listingOf } from '../../../domain/hls/listing.ts';
import { writeMediaPlaylist } from '../../../domain/hls/media-playlist.ts';
import { PartLog } from '../../../domain/hls/part-log.ts';
import { RenditionTimeline } from '../../../domain/hls/rendition-timeline.ts';
import type { StreamInfo } from '../../../domain/live-edge.ts';
import { RENDITIONS, type Rendition, TRACKS, type Track } from '../../../domain/renditions.ts';
import { FIRST_MSN, FIRST_ORDINAL, SAMPLE_INFO, sampleGap, samplePart } from './live-edge-samples.ts';
import { mergeDelta, type ReadPlaylist, readPlaylist, secondsOf } from './playlist-reader.ts';

/** What happens next on the grid. */
type Step =
  | { readonly kind: 'run'; readonly partCount: number }
  /** A part of one track, or of both, that could not be stored. */
  | { readonly kind: 'lose'; readonly tracks: readonly Track[] }
  /** The runner is away. */
  | { readonly kind: 'crash'; readonly partCount: number }
  /** The operator ends the stream and starts it again later. */
  | { readonly kind: 'restart'; readonly partCount: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('run' as const), partCount: fc.integer({ min: 1, max: 25 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('lose' as const),
      tracks: fc.constantFrom<readonly Track[]>(['video'], ['audio'], TRACKS),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      partCount: fc.integer({ min: 1, max: 400 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restart' as const),
      partCount: fc.integer({ min: 1, max: 200 }),
    }),
  },
);

class History {
  readonly logs: Record<Track, PartLog> = { video: new PartLog(300), audio: new PartLog(300) };
  info: StreamInfo = SAMPLE_INFO;
  #previous = new Map<Rendition, ReadPlaylist>();
  readonly #isChecked: boolean;
  renderCount = 0;
  readonly problems: string[] = [];

  ordinal: number;

  /** @param options.isChecked false: playlists are read only when asked for. */
  constructor(options: { readonly firstOrdinal: number; readonly isChecked?: boolean }) {
    this.ordinal = options.firstOrdinal;
    this.#isChecked = options.isChecked ?? true;
  }

  take(next: Step): void {
    switch (next.kind) {
      case 'run':
        for (let count = 0; count < next.partCount; count += 1) this.#publish([]);
        break;
      case 'lose':
        this.#publish(next.tracks);
        break;
      case 'crash':
        this.ordinal += next.partCount;
        break;
      case 'restart':
        this.ordinal += next.partCount;
        this.info = { ...SAMPLE_INFO, firstMediaSequenceNumber: Math.floor(this.ordinal / 5) };
        // A client that saw the end has stopped; what follows is another broadcast.
        this.#previous.clear();
        break;
    }
  }

  #publish(lost: readonly Track[]): void {
    for (const track of TRACKS) {
      const entry = lost.includes(track) ? sampleGap(track, this.ordinal) : samplePart(track, this.ordinal);
      this.logs[track].append(this.ordinal, entry);
      this.check(track);
    }
    this.check('av');
    this.ordinal += 1;
  }

  check(rendition: Rendition): void {
    if (!this.#isChecked) return;
    const whole = this.read(rendition, false);
    if (!whole) return;
    const previous = this.#previous.get(rendition);
    if (previous) this.problems.push(...problemsBetween(previous, whole));
    const delta = this.read(rendition, true);
    // A client that was away for longer than the skip boundary is given the whole playlist (playlist-cache.ts).
    if (previous && delta && nextNumberOf(previous) >= (delta.segments[0]?.mediaSequenceNumber ?? 0)) {
      const merged = mergeDelta(previous, delta);
      this.problems.push(...merged.problems);
      if (JSON.stringify(merged.segments.map(essence)) !== JSON.stringify(whole.segments.map(essence)))
        this.problems.push('the delta update and what was known do not make the whole playlist');
    }
    this.#previous.set(rendition, whole);
  }

  read(rendition: Rendition, skip: boolean): ReadPlaylist | undefined {
    const timeline = new RenditionTimeline(rendition, this.info, this.logs);
    const rules = hlsRulesOf(this.info);
    const listing = listingOf(timeline, rules, false);
    if (!listing) return undefined;
    const reports = RENDITIONS.filter((other) => other !== rendition).map((other) => ({
      rendition: other,
      headOrdinal: new RenditionTimeline(other, this.info, this.logs).headOrdinal,
    }));
    const text = writeMediaPlaylist({
      timeline,
      listing,
      rules,
      reports,
      access: 'open',
      skip,
      ended: false,
    });
    const { playlist, problems } = readPlaylist(text);
    this.problems.push(...problems);
    this.renderCount += 1;
    return playlist;
  }
}

/** What a client that has this playlist asks for next. */
const nextNumberOf = (playlist: ReadPlaylist) => playlist.mediaSequenceNumber + playlist.segments.length;

const essence = (segment: ReadPlaylist['segments'][number]) =>
  [segment.mediaSequenceNumber, segment.uri, segment.durationS, segment.gap] as const;

/** rfc8216bis §6.2.2: what may change from one playlist to the next. */
function problemsBetween(previous: ReadPlaylist, next: ReadPlaylist): string[] {
  const problems: string[] = [];
  if (next.mediaSequenceNumber < previous.mediaSequenceNumber)
    problems.push('the media sequence number went back');
  const before = new Map(previous.segments.map((segment) => [segment.mediaSequenceNumber, segment]));
  for (const segment of next.segments) {
    const known = before.get(segment.mediaSequenceNumber);
    if (known && JSON.stringify(essence(known)) !== JSON.stringify(essence(segment)))
      problems.push(`segment ${segment.mediaSequenceNumber} changed`);
    for (const [index, part] of segment.parts.entries()) {
      const knownPart = known?.parts[index];
      if (knownPart && JSON.stringify(knownPart) !== JSON.stringify(part))
        problems.push(`${part.uri} changed`);
    }
  }
  // Parts of the segment that was in the making must be those of the segment it became.
  const successor = [...next.segments, { mediaSequenceNumber: -1, parts: next.parts }].find(
    (segment) => segment.parts[0]?.uri === previous.parts[0]?.uri,
  );
  if (previous.parts.length > 0 && successor)
    previous.parts.forEach((part, index) => {
      if (JSON.stringify(part) !== JSON.stringify(successor.parts[index]))
        problems.push(`${part.uri} changed`);
    });
  const removed = previous.segments.filter(
    ({ mediaSequenceNumber }) => mediaSequenceNumber < next.mediaSequenceNumber,
  );
  // DEVIATION (listing.ts): gaps at the front may be left out even when little remains.
  const hadGaps = removed.some((segment) => segment.gap) || next.segments.length === 0;
  const jumped = next.mediaSequenceNumber > previous.mediaSequenceNumber + previous.segments.length;
  if (removed.length > 0 && !hadGaps && !jumped && secondsOf(next.segments) < 3 * next.targetDurationS)
    problems.push('a segment was removed although less than three target durations remain');
  return problems;
}

describe('playlists over random histories', () => {
  it('are valid, follow from each other, and their delta updates merge into the whole', () => {
    let renderCount = 0;
    fc.assert(
      fc.property(fc.nat(9), fc.array(step, { minLength: 3, maxLength: 10 }), (offset, steps) => {
        const history = new History({ firstOrdinal: FIRST_ORDINAL + offset });
        for (const next of steps) history.take(next);
        renderCount += history.renderCount;
        expect(history.problems).toEqual([]);
      }),
      { numRuns: 20 },
    );
    expect(renderCount).toBeGreaterThan(2_000);
  });

  it('an origin that joins late lists the same as one that was there', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 3, maxLength: 14 }),
        fc.integer({ min: 0, max: 60 }),
        (steps, tail) => {
          const early = new History({ firstOrdinal: FIRST_ORDINAL, isChecked: false });
          for (const next of steps) early.take(next);
          early.take({ kind: 'run', partCount: tail + 1 });
          // The live edge's log holds 40 s, the window 30 s: the late one sees all that the early one has.
          const late = new History({ firstOrdinal: FIRST_ORDINAL });
          late.info = early.info;
          for (const track of TRACKS) {
            const { headOrdinal } = early.logs[track];
            for (let ordinal = headOrdinal - 299; ordinal <= headOrdinal; ordinal += 1) {
              const entry = early.logs[track].entry(ordinal);
              if (entry) late.logs[track].append(ordinal, entry);
            }
          }
          for (const rendition of RENDITIONS)
            expect(late.read(rendition, false)).toEqual(early.read(rendition, false));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a stream without losses never lists a gap', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(30), (partCount, offset) => {
        const history = new History({ firstOrdinal: FIRST_MSN * 5 + offset });
        history.take({ kind: 'run', partCount: 9 });
        for (let count = 0; count < partCount; count += 1)
          for (const track of TRACKS)
            history.logs[track].append(history.ordinal + count, samplePart(track, history.ordinal + count));
        const playlist = history.read('av', false);
        return playlist === undefined || playlist.segments.every((segment) => !segment.gap);
      }),
      { numRuns: 50 },
    );
  });
});

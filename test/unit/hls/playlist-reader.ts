/**
 * Reads media playlists as a strict client would, independently of the writer: it knows only the text. What
 * breaks a rule of rfc8216bis becomes a line of `problems`.
 */
export interface ReadPart {
  readonly uri: string;
  readonly durationS: number;
  readonly independent: boolean;
  readonly gap: boolean;
}

export interface ReadSegment {
  readonly mediaSequenceNumber: number;
  readonly uri: string;
  readonly durationS: number;
  readonly gap: boolean;
  readonly programDateTimeMs?: number;
  readonly parts: readonly ReadPart[];
}

export interface ReadPlaylist {
  readonly version: number;
  readonly defines: readonly string[];
  readonly targetDurationS: number;
  readonly partTargetS: number;
  readonly serverControl: Readonly<Record<string, string>>;
  readonly mediaSequenceNumber: number;
  readonly skippedSegmentCount: number;
  readonly mapUri: string;
  readonly segments: readonly ReadSegment[];
  /** Parts of the segment in the making. */
  readonly parts: readonly ReadPart[];
  readonly preloadHint?: string;
  readonly reports: Readonly<Record<string, { readonly msn: number; readonly part: number }>>;
  readonly ended: boolean;
}

/** rfc8216bis §4.2: NAME=VALUE, comma-separated; quoted strings may hold commas. */
function attributes(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name, quoted, plain] of text.matchAll(/([A-Z0-9-]+)=(?:"([^"\n]*)"|([^",]*))(?:,|$)/g))
    if (name) found[name] = quoted ?? plain ?? '';
  return found;
}

class Reading {
  readonly once: Record<string, string> = {};
  readonly defines: string[] = [];
  readonly segments: ReadSegment[] = [];
  readonly reports: Record<string, { msn: number; part: number }> = {};
  parts: ReadPart[] = [];
  skipped = 0;
  gap = false;
  durationS: number | undefined;
  dateMs: number | undefined;
  readonly problems: string[] = [];

  setOnce(name: string, value: string): void {
    if (name in this.once) this.problems.push(`${name} is there twice`);
    this.once[name] = value;
  }

  line(line: string): void {
    if (!line.startsWith('#')) this.uri(line);
    else {
      const colon = line.indexOf(':');
      this.tag(colon < 0 ? line : line.slice(0, colon), colon < 0 ? '' : line.slice(colon + 1));
    }
  }

  tag(name: string, value: string): void {
    const read = attributes(value);
    switch (name) {
      case '#EXT-X-DEFINE':
        this.defines.push(read['QUERYPARAM'] ?? '?');
        break;
      case '#EXT-X-SKIP':
        if (this.segments.length > 0) this.problems.push('EXT-X-SKIP after a segment');
        this.skipped = Number(read['SKIPPED-SEGMENTS']);
        break;
      case '#EXT-X-GAP':
        this.gap = true;
        break;
      case '#EXT-X-PROGRAM-DATE-TIME':
        this.dateMs = Date.parse(value);
        break;
      case '#EXTINF':
        this.durationS = Number(/^([\d.]+),$/.exec(value)?.[1] ?? Number.NaN);
        break;
      case '#EXT-X-PART':
        this.parts.push({
          uri: read['URI'] ?? '',
          durationS: Number(read['DURATION']),
          independent: read['INDEPENDENT'] === 'YES',
          gap: read['GAP'] === 'YES',
        });
        break;
      case '#EXT-X-RENDITION-REPORT':
        this.reports[read['URI'] ?? ''] = { msn: Number(read['LAST-MSN']), part: Number(read['LAST-PART']) };
        break;
      default:
        this.setOnce(name, value);
    }
  }

  uri(uri: string): void {
    if (this.durationS === undefined) this.problems.push(`${uri} has no EXTINF`);
    this.segments.push({
      mediaSequenceNumber: Number(this.once['#EXT-X-MEDIA-SEQUENCE']) + this.skipped + this.segments.length,
      uri,
      durationS: this.durationS ?? 0,
      gap: this.gap,
      parts: this.parts,
      ...(this.dateMs === undefined ? {} : { programDateTimeMs: this.dateMs }),
    });
    this.parts = [];
    this.gap = false;
    this.durationS = undefined;
    this.dateMs = undefined;
  }
}

/** @returns the playlist, and in words what of the specification it breaks by itself. */
export function readPlaylist(text: string): { playlist: ReadPlaylist; problems: string[] } {
  const reading = new Reading();
  const lines = text.split('\n');
  if (lines[0] !== '#EXTM3U') reading.problems.push('does not begin with EXTM3U');
  if (lines.at(-1) !== '') reading.problems.push('does not end with a line end');
  for (const line of lines.slice(1, -1)) {
    if (line.trim() !== line || line === '') reading.problems.push(`a blank or padded line "${line}"`);
    reading.line(line);
  }
  const { once } = reading;
  const hint = once['#EXT-X-PRELOAD-HINT'];
  const playlist: ReadPlaylist = {
    version: Number(once['#EXT-X-VERSION'] ?? 1),
    defines: reading.defines,
    targetDurationS: Number(once['#EXT-X-TARGETDURATION']),
    partTargetS: Number(attributes(once['#EXT-X-PART-INF'] ?? '')['PART-TARGET']),
    serverControl: attributes(once['#EXT-X-SERVER-CONTROL'] ?? ''),
    mediaSequenceNumber: Number(once['#EXT-X-MEDIA-SEQUENCE']),
    skippedSegmentCount: reading.skipped,
    mapUri: attributes(once['#EXT-X-MAP'] ?? '')['URI'] ?? '',
    segments: reading.segments,
    parts: reading.parts,
    reports: reading.reports,
    ended: '#EXT-X-ENDLIST' in once,
    ...(hint === undefined ? {} : { preloadHint: attributes(hint)['URI'] ?? '' }),
  };
  return { playlist, problems: [...reading.problems, ...problemsOf(playlist)] };
}

/** Durations are rounded to microseconds, and sums of them are off by as many. */
const ROUNDING_S = 1e-4;

/** Rules that concern one playlist alone. */
function problemsOf(playlist: ReadPlaylist): string[] {
  const problems: string[] = [];
  const { targetDurationS, partTargetS, serverControl, segments, ended } = playlist;
  const control = (name: string) => Number(serverControl[name]);
  const expect = (isTrue: boolean, problem: string) => {
    if (!isTrue) problems.push(problem);
  };
  expect(Number.isInteger(targetDurationS) && targetDurationS > 0, 'TARGETDURATION is no whole number');
  expect(partTargetS > 0, 'PART-TARGET is missing');
  expect(serverControl['CAN-BLOCK-RELOAD'] === 'YES', 'CAN-BLOCK-RELOAD is not YES');
  expect(control('PART-HOLD-BACK') >= 3 * partTargetS, 'PART-HOLD-BACK is below three part targets');
  expect(control('HOLD-BACK') >= 3 * targetDurationS, 'HOLD-BACK is below three target durations');
  expect(control('CAN-SKIP-UNTIL') >= 6 * targetDurationS, 'CAN-SKIP-UNTIL is below six target durations');
  expect(playlist.mapUri !== '', 'EXT-X-MAP is missing');
  expect(segments.length > 0, 'no segment');
  expect(segments[0]?.programDateTimeMs !== undefined, 'the first listed segment has no date');
  expect(ended || playlist.preloadHint !== undefined, 'no preload hint');
  expect(!ended || playlist.preloadHint === undefined, 'a preload hint after the end');
  const usesQueryParameters = playlist.defines.length > 0;
  const lowestVersion = usesQueryParameters ? 11 : playlist.skippedSegmentCount > 0 ? 9 : 6;
  expect(playlist.version === lowestVersion, `version ${playlist.version} where ${lowestVersion} is used`);
  for (const segment of segments) problems.push(...segmentProblems(segment, playlist));
  for (const part of playlist.parts) problems.push(...partProblems(part, playlist, true));
  const edgeS = secondsOf(segments) + playlist.parts.reduce((sum, part) => sum + part.durationS, 0);
  expect(
    playlist.skippedSegmentCount === 0 || edgeS >= control('CAN-SKIP-UNTIL') - ROUNDING_S,
    'segments newer than the skip boundary are skipped',
  );
  let endS = 0;
  for (const segment of segments) {
    endS += segment.durationS;
    const isRecent = edgeS - endS < 3 * targetDurationS - ROUNDING_S;
    expect(!isRecent || segment.parts.length > 0, `${segment.uri} is recent and has no parts`);
    const isOld = edgeS - endS > 3 * targetDurationS + ROUNDING_S;
    expect(!isOld || segment.parts.length === 0, `${segment.uri} is old and still has parts`);
  }
  return problems;
}

function segmentProblems(segment: ReadSegment, playlist: ReadPlaylist): string[] {
  const problems: string[] = [];
  if (Math.round(segment.durationS) > playlist.targetDurationS)
    problems.push(`${segment.uri} is longer than the target duration`);
  if (segment.parts.length === 0) return problems;
  const partsS = segment.parts.reduce((sum, part) => sum + part.durationS, 0);
  if (Math.abs(partsS - segment.durationS) > 1e-4)
    problems.push(`${segment.uri} lasts ${segment.durationS} and its parts ${partsS}`);
  if (segment.parts.some((part) => part.gap) !== segment.gap)
    problems.push(`${segment.uri} and its parts disagree about a gap`);
  segment.parts.forEach((part, index) => {
    const isLast = index === segment.parts.length - 1 || (segment.parts[index + 1]?.gap ?? false);
    problems.push(...partProblems(part, playlist, isLast));
  });
  return problems;
}

/** rfc8216bis §4.4.4.9: at most the part target; at least 85% of it unless independent, before a gap, or last. */
function partProblems(part: ReadPart, playlist: ReadPlaylist, mayBeShort: boolean): string[] {
  const problems: string[] = [];
  if (part.durationS > playlist.partTargetS + 1e-9) problems.push(`${part.uri} is longer than PART-TARGET`);
  if (!mayBeShort && !part.independent && !part.gap && part.durationS < 0.85 * playlist.partTargetS)
    problems.push(`${part.uri} is shorter than 85% of PART-TARGET`);
  if (part.gap && part.independent) problems.push(`${part.uri} is a gap and independent`);
  return problems;
}

export function secondsOf(segments: readonly { readonly durationS: number }[]): number {
  return segments.reduce((sum, segment) => sum + segment.durationS, 0);
}

/** What a client makes of a delta update (rfc8216bis §6.3.7): the skipped segments are those it has. */
export function mergeDelta(
  previous: ReadPlaylist,
  delta: ReadPlaylist,
): { segments: readonly ReadSegment[]; problems: string[] } {
  const skipped: ReadSegment[] = [];
  const problems: string[] = [];
  for (let index = 0; index < delta.skippedSegmentCount; index += 1) {
    const number = delta.mediaSequenceNumber + index;
    const known = previous.segments.find((segment) => segment.mediaSequenceNumber === number);
    if (known) skipped.push(known);
    else problems.push(`segment ${number} is skipped and not known`);
  }
  return { segments: [...skipped, ...delta.segments], problems };
}

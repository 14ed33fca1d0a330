/**
 * Writes the MPD of a stream for Low-Latency DASH (ISO 23009-1; DASH-IF CR Low-Latency Live). Because the
 * timeline is the wall clock since EPOCH, the text is constant as long as the stream lives: a client computes
 * the number of every segment from its clock.
 */
import { bandwidthOf } from '../hls/bandwidth.ts';
import { PLAYLIST_MS } from '../hls/hls-rules.ts';
import type { Access } from '../hls/playlist-variables.ts';
import type { StreamInfo } from '../live-edge.ts';
import type { Track } from '../renditions.ts';
import { EPOCH_MS } from '../timeline.ts';

/** What a player should aim for, and between which limits it may trade latency for calm. */
const TARGET_LATENCY_MS = 1_000;
const MIN_LATENCY_MS = 500;
const MAX_LATENCY_MS = 3_000;

/** How soon a client learns that the stream has ended; nothing else in the text ever changes. */
const UPDATE_PERIOD_S = 10;

export interface ManifestInput {
  readonly info: StreamInfo;
  readonly access: Access;
  /** When the operator ended the stream: the end of its last part, in Unix milliseconds. */
  readonly endedAtMs?: number;
}

export function writeManifest(input: ManifestInput): string {
  const { info, access, endedAtMs } = input;
  const epoch = new Date(EPOCH_MS).toISOString();
  const life =
    endedAtMs === undefined
      ? `minimumUpdatePeriod="PT${UPDATE_PERIOD_S}S"`
      : `mediaPresentationDuration="${duration(endedAtMs - EPOCH_MS)}"`;
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" ' +
    'profiles="urn:mpeg:dash:profile:isoff-live:2011,http://www.dashif.org/guidelines/low-latency-live-v5" ' +
    `availabilityStartTime="${epoch}" publishTime="${epoch}" ${life} ` +
    `minBufferTime="${duration(info.segmentMs)}" maxSegmentDuration="${duration(info.segmentMs)}" ` +
    `timeShiftBufferDepth="${duration(PLAYLIST_MS)}">\n` +
    '  <ServiceDescription id="0">\n' +
    `    <Latency referenceId="0" target="${TARGET_LATENCY_MS}" min="${MIN_LATENCY_MS}" max="${MAX_LATENCY_MS}"/>\n` +
    '    <PlaybackRate min="0.95" max="1.05"/>\n' +
    '  </ServiceDescription>\n' +
    '  <Period id="0" start="PT0S">\n' +
    adaptationSet(info, 'video') +
    (info.audio ? adaptationSet(info, 'audio') : '') +
    '  </Period>\n' +
    UTC_TIMING +
    queryProperty(access) +
    '</MPD>\n'
  );
}

/** Milliseconds matter here, and a Date header has only seconds. Relative to the MPD, as players resolve it. */
const UTC_TIMING = '  <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="time"/>\n';

function adaptationSet(info: StreamInfo, track: Track): string {
  const { video, audio } = info;
  const timescaleHz = track === 'video' ? video.timescaleHz : (audio?.sampleRateHz ?? 0);
  const durationTicks = (timescaleHz * info.segmentMs) / 1000;
  // A segment may be asked for as soon as its first part is out; the rest arrives while it is read.
  const availabilityTimeOffsetS = (info.segmentMs - info.partMs) / 1000;
  const kind =
    track === 'video'
      ? `contentType="video" mimeType="video/mp4" maxWidth="${video.widthPx}" maxHeight="${video.heightPx}" maxFrameRate="${video.frameRate}"`
      : 'contentType="audio" mimeType="audio/mp4" lang="und"';
  return (
    `    <AdaptationSet id="${track === 'video' ? 1 : 2}" ${kind} segmentAlignment="true" startWithSAP="1">\n` +
    `      <ProducerReferenceTime id="0" type="encoder" inband="false" wallClockTime="${new Date(EPOCH_MS).toISOString()}" presentationTime="0"/>\n` +
    `      <SegmentTemplate timescale="${timescaleHz}" duration="${durationTicks}" startNumber="0" ` +
    `availabilityTimeOffset="${availabilityTimeOffsetS}" availabilityTimeComplete="false" ` +
    `initialization="${track}/init.mp4" media="${track}/$Number$.m4s"/>\n` +
    representation(info, track) +
    '    </AdaptationSet>\n'
  );
}

function representation(info: StreamInfo, track: Track): string {
  const { video, audio } = info;
  const bandwidth = bandwidthOf(info, [track]).peakBps;
  if (track === 'video') {
    return (
      `      <Representation id="video" codecs="${video.codecs}" bandwidth="${bandwidth}" ` +
      `width="${video.widthPx}" height="${video.heightPx}" frameRate="${video.frameRate}"/>\n`
    );
  }
  return (
    `      <Representation id="audio" codecs="${audio?.codecs ?? ''}" bandwidth="${bandwidth}" audioSamplingRate="${audio?.sampleRateHz ?? 0}">\n` +
    `        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="${audio?.channelCount ?? 0}"/>\n` +
    '      </Representation>\n'
  );
}

/**
 * Premium: every request for a segment carries the query of the MPD's own URL, which holds the signature
 * (ISO 23009-1 Annex I). Supplemental, because a player with signed cookies needs no understanding of it.
 */
function queryProperty(access: Access): string {
  if (access === 'open') return '';
  return (
    '  <SupplementalProperty schemeIdUri="urn:mpeg:dash:urlparam:2014">\n' +
    '    <up:UrlQueryInfo xmlns:up="urn:mpeg:dash:schema:urlparam:2014" queryTemplate="$querypart$" useMPDUrlQuery="true"/>\n' +
    '  </SupplementalProperty>\n'
  );
}

/** xs:duration in seconds. */
function duration(milliseconds: number): string {
  return `PT${milliseconds / 1000}S`;
}

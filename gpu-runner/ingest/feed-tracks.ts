/**
 * The packets of one connection on their way to the transcoder: which tracks are taken, when decoding can
 * begin, and what happens when the sender changes its program map.
 */
import { AV_CODEC_ID_MP2, AV_CODEC_ID_MP3, AV_NOPTS_VALUE, AV_PKT_FLAG_CORRUPT } from 'node-av/constants';
import { CodecParameters, type Packet, type Stream } from 'node-av/lib';
import type { Log } from '../../domain/log.ts';
import type { SourceEvent, SourceTrack } from '../media.ts';
import {
  chooseTracks,
  codecIdOf,
  type StreamEntry,
  type TrackChoice,
  videoCodecOf,
} from './accepted-codecs.ts';
import { codecOfParameterSets, isOneAccessUnit, readAccessUnit } from './access-unit.ts';
import { AudioFramer, durationTicks } from './audio-framing.ts';
import { audioHeaderReader } from './audio-headers.ts';
import { NO_BYTES, newPacket, PesPieces } from './pes-pieces.ts';
import { TimestampUnwrap } from './timestamp-unwrap.ts';

/** With parameter sets but no keyframe for this long (intra refresh), decoding begins at any picture. */
export const KEYFRAME_LIMIT_MS = 3_000;

/** Another track of the same kind takes over when the chosen one has been silent for this long. */
export const TRACK_SILENCE_LIMIT_MS = 700;

/** Packets of a feed that are looked through for pictures that do not fit their PES packets. */
export const CHECKED_PACKETS = 60;

export interface FeedTracksOptions {
  readonly emit: (event: SourceEvent) => void | Promise<void>;
  readonly log: Log;
  /** True for MPEG-TS: timestamps wrap at 33 bits, and sound comes unframed. */
  readonly isMpegTs: boolean;
  readonly remoteAddress?: string | undefined;
  /** Called once when pictures and PES packets do not coincide, so that a parser must put them together. */
  readonly onUnaligned: () => void;
}

export class FeedTracks {
  readonly #options: FeedTracksOptions;
  readonly #unwrap = new TimestampUnwrap();
  readonly #pieces = new PesPieces();
  readonly #lastPacketAtMs = new Map<number, number>();
  #streams: readonly Stream[] = [];
  #choice: TrackChoice = { kind: 'none-yet' };
  #audioFramer: AudioFramer | undefined;
  #decodableSinceMs: number | undefined;
  #announced = false;
  /** Once announced, a choice is left only for a track that takes over, never for the list of streams. */
  #isSettled = false;
  #firstPacketMs: number | undefined;
  #checkedPacketCount = 0;
  #isParsed = false;

  constructor(options: FeedTracksOptions) {
    this.#options = options;
  }

  get choice(): TrackChoice {
    return this.#choice;
  }

  /** True between `connected` and `disconnected`. */
  get announced(): boolean {
    return this.#announced;
  }

  /** Takes the list of streams, at the start and whenever the sender's program map adds one. */
  noticeStreams(streams: readonly Stream[]): void {
    this.#streams = streams;
    if (this.#isSettled) return;
    this.#choice = chooseTracks(streams.map(streamEntry));
  }

  /** @returns true when the packet now belongs to the receiver of the events. */
  async deliver(packet: Packet, arrivalMs: number): Promise<boolean> {
    this.#firstPacketMs ??= arrivalMs;
    this.#lastPacketAtMs.set(packet.streamIndex, arrivalMs);
    await this.#followMove(packet.streamIndex, arrivalMs);
    if (this.#choice.kind !== 'chosen') return false;
    const { video, audio } = this.#choice;
    if (packet.streamIndex === video.index) return await this.#deliverPictures(packet, arrivalMs);
    if (packet.streamIndex !== audio?.index || !this.#announced) return false;
    if (this.#audioFramer === undefined) return await this.#emitWhole(packet, 'audio', arrivalMs);
    await this.#emitFrames(this.#audioFramer, packet, arrivalMs);
    return false;
  }

  async #deliverPictures(packet: Packet, arrivalMs: number): Promise<boolean> {
    if (!this.#options.isMpegTs || this.#isParsed) return await this.#deliverPicture(packet, arrivalMs);
    let isTaken = false;
    for (const picture of this.#pieces.take(packet)) {
      const isPictureTaken = await this.#deliverPicture(picture, arrivalMs);
      if (picture === packet) isTaken = isPictureTaken;
      else if (!isPictureTaken) picture.free();
    }
    return isTaken;
  }

  async #deliverPicture(packet: Packet, arrivalMs: number): Promise<boolean> {
    await this.#followCodec(packet);
    if (this.#choice.kind !== 'chosen') return false;
    const { video, audio } = this.#choice;
    this.#checkAlignment(packet, video);
    if (!this.#announced && !this.#canBeginWith(packet, video, arrivalMs)) return false;
    if (!this.#announced) await this.#announce(video, audio);
    return await this.#emitWhole(packet, 'video', arrivalMs);
  }

  /** Tells `disconnected` if `connected` was told. */
  async leave(reason: string): Promise<void> {
    this.#pieces.clear();
    if (!this.#announced) return;
    this.#announced = false;
    await this.#options.emit({ kind: 'disconnected', reason });
  }

  /** The sender moved a track to another PID: the old one is silent, the new one is not. */
  async #followMove(streamIndex: number, arrivalMs: number): Promise<void> {
    if (this.#choice.kind !== 'chosen') return;
    const { video, audio } = this.#choice;
    if (streamIndex === video.index || streamIndex === audio?.index) return;
    const alive = this.#streams
      .map(streamEntry)
      .filter((entry) => this.#lastPacketAtMs.has(entry.index) && !this.#isSilent(entry.index, arrivalMs));
    const choice = chooseTracks(alive);
    if (choice.kind !== 'chosen') return;
    const videoMoves = this.#isSilent(video.index, arrivalMs) && choice.video.index !== video.index;
    const audioMoves =
      choice.audio !== undefined &&
      choice.audio.index !== audio?.index &&
      (audio === undefined || this.#isSilent(audio.index, arrivalMs));
    if (!videoMoves && !audioMoves) return;
    await this.leave(videoMoves ? 'the feed changed its video track' : 'the feed changed its audio track');
    this.#choice = choice;
    this.#decodableSinceMs = undefined;
  }

  /** The sender changed its codec and kept its PID, as an encoder does that was set up anew. */
  async #followCodec(packet: Packet): Promise<void> {
    if (this.#choice.kind !== 'chosen' || !this.#options.isMpegTs) return;
    const { video } = this.#choice;
    const codec = codecOfParameterSets(packet.data ?? NO_BYTES);
    if (codec === undefined || codec === videoCodecOf(video.codecId)) return;
    await this.leave('the feed changed its video codec');
    this.#choice = { ...this.#choice, video: { ...video, codecId: codecIdOf(codec) } };
    this.#decodableSinceMs = undefined;
  }

  /** A track that never came is silent since the feed began. */
  #isSilent(streamIndex: number, nowMs: number): boolean {
    const sinceMs = this.#lastPacketAtMs.get(streamIndex) ?? this.#firstPacketMs ?? nowMs;
    return nowMs - sinceMs >= TRACK_SILENCE_LIMIT_MS;
  }

  #checkAlignment(packet: Packet, video: StreamEntry): void {
    if (!this.#options.isMpegTs || this.#checkedPacketCount >= CHECKED_PACKETS) return;
    this.#checkedPacketCount += 1;
    const data = packet.data;
    if (data === null || packet.hasFlags(AV_PKT_FLAG_CORRUPT)) return;
    if (isOneAccessUnit(data, videoCodecOf(video.codecId))) return;
    this.#isParsed = true;
    this.#checkedPacketCount = CHECKED_PACKETS;
    this.#options.onUnaligned();
  }

  #canBeginWith(packet: Packet, video: StreamEntry, arrivalMs: number): boolean {
    const data = packet.data;
    if (data === null) return false;
    const content = readAccessUnit(data, videoCodecOf(video.codecId));
    if (content.sequenceParameterSet !== undefined) this.#decodableSinceMs ??= arrivalMs;
    if (content.keyframe) return true;
    return this.#decodableSinceMs !== undefined && arrivalMs - this.#decodableSinceMs >= KEYFRAME_LIMIT_MS;
  }

  async #announce(video: StreamEntry, audio: StreamEntry | undefined): Promise<void> {
    const tracks = [this.#sourceTrack(video, 'video')];
    if (audio !== undefined) tracks.push(this.#sourceTrack(audio, 'audio'));
    const reader =
      audio === undefined || !this.#options.isMpegTs ? undefined : audioHeaderReader(audio.codecId);
    this.#audioFramer = reader === undefined ? undefined : new AudioFramer(reader);
    this.#announced = true;
    this.#isSettled = true;
    if (this.#choice.kind === 'chosen' && this.#choice.note !== undefined)
      this.#options.log.warn('feed-audio-not-taken', { reason: this.#choice.note });
    const { remoteAddress } = this.#options;
    await this.#options.emit({
      kind: 'connected',
      tracks,
      ...(remoteAddress === undefined ? {} : { remoteAddress }),
    });
  }

  #sourceTrack(entry: StreamEntry, track: SourceTrack['track']): SourceTrack {
    const stream = this.#streams[entry.index];
    const codecParameters = new CodecParameters();
    codecParameters.alloc();
    if (stream === undefined) return { track, codecParameters, timeBase: { num: 1, den: 90_000 } };
    stream.codecpar.copy(codecParameters);
    // FFmpeg calls all MPEG audio in MPEG-TS MP3 until a parser has seen it. Either decoder takes either layer,
    // and what comes is MP2 nearly always.
    const isMpegAudio = this.#options.isMpegTs && entry.codecId === AV_CODEC_ID_MP3;
    codecParameters.codecId = isMpegAudio ? AV_CODEC_ID_MP2 : entry.codecId;
    return { track, codecParameters, timeBase: { num: stream.timeBase.num, den: stream.timeBase.den } };
  }

  async #emitWhole(packet: Packet, track: SourceTrack['track'], arrivalMs: number): Promise<true> {
    if (this.#options.isMpegTs) {
      packet.dts = this.#continued(packet.dts);
      packet.pts = this.#continued(packet.pts);
    }
    await this.#options.emit({ kind: 'packet', track, packet, arrivalMs });
    return true;
  }

  async #emitFrames(framer: AudioFramer, source: Packet, arrivalMs: number): Promise<void> {
    const payload = source.data;
    if (payload === null) return;
    const ptsTicks = this.#continued(source.pts);
    for (const frame of framer.push(payload, ptsTicks === AV_NOPTS_VALUE ? undefined : ptsTicks)) {
      const packet = newPacket();
      packet.data = Buffer.from(frame.bytes);
      packet.streamIndex = source.streamIndex;
      packet.timeBase = source.timeBase;
      packet.pts = frame.ptsTicks ?? AV_NOPTS_VALUE;
      packet.dts = packet.pts;
      packet.duration = durationTicks(frame);
      packet.isKeyframe = true;
      await this.#options.emit({ kind: 'packet', track: 'audio', packet, arrivalMs });
    }
  }

  #continued(ticks: bigint): bigint {
    return ticks === AV_NOPTS_VALUE ? ticks : this.#unwrap.unwrap(ticks);
  }
}

function streamEntry(stream: Stream): StreamEntry {
  const { codecType: mediaType, codecId } = stream.codecpar;
  return { index: stream.index, id: stream.id, mediaType, codecId };
}

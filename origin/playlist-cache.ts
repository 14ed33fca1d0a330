/** The text of one rendition's playlist, written and compressed at most once per part and variant. */
import { gzipSync } from 'node:zlib';
import type { DeliveryDirectives } from '../domain/hls/blocking-reload.ts';
import type { HlsRules } from '../domain/hls/hls-rules.ts';
import { type Listing, listingOf } from '../domain/hls/listing.ts';
import {
  type RenditionReport,
  skippableSegmentCount,
  writeMediaPlaylist,
} from '../domain/hls/media-playlist.ts';
import type { Access } from '../domain/hls/playlist-variables.ts';
import type { RenditionTimeline } from '../domain/hls/rendition-timeline.ts';
import { CACHE, CONTENT_TYPES, type Prepared, prepare } from './response.ts';

/** Under this size the headers weigh more than what compression saves: one TCP segment carries both. */
const WORTH_COMPRESSING_BYTES = 1_000;
/** 1 of 9: half the time of the default level for a tenth more bytes, and it runs while viewers wait. */
const GZIP_LEVEL = 1;

/** A text in both forms that a client may take; the compressed one is made when it is first asked for. */
export class PreparedText {
  readonly plain: Prepared;
  readonly #contentType: string;
  readonly #cacheControl: string;
  #compressed: Prepared | undefined;

  constructor(text: string, contentType: string, cacheControl: string) {
    this.#contentType = contentType;
    this.#cacheControl = cacheControl;
    this.plain = prepare(Buffer.from(text), contentType, cacheControl, 'Vary', 'Accept-Encoding');
  }

  for(acceptsGzip: boolean): Prepared {
    if (!acceptsGzip || this.plain.bytes.byteLength < WORTH_COMPRESSING_BYTES) return this.plain;
    this.#compressed ??= prepare(
      gzipSync(this.plain.bytes, { level: GZIP_LEVEL }),
      this.#contentType,
      this.#cacheControl,
      'Vary',
      'Accept-Encoding',
      'Content-Encoding',
      'gzip',
    );
    return this.#compressed;
  }
}

export interface PlaylistSource {
  readonly timeline: RenditionTimeline;
  readonly rules: HlsRules;
  isEnded(): boolean;
  reports(): readonly RenditionReport[];
}

export class PlaylistCache {
  /** How many playlists were written, for the metrics: once per part and variant, never once per viewer. */
  writeCount = 0;
  readonly #source: PlaylistSource;
  readonly #texts = new Map<string, PreparedText>();
  /** null: not looked up since the last change. */
  #listing: Listing | undefined | null = null;
  /** The first segment of a delta update, as long as the listing is the same. */
  #firstUnskipped: number | undefined;

  constructor(source: PlaylistSource) {
    this.#source = source;
  }

  /** To be called after every change of what the playlist shows. */
  invalidate(): void {
    this.#listing = null;
    this.#firstUnskipped = undefined;
    this.#texts.clear();
  }

  get listing(): Listing | undefined {
    if (this.#listing === null) {
      const { timeline, rules } = this.#source;
      this.#listing = listingOf(timeline, rules, this.#source.isEnded());
    }
    return this.#listing;
  }

  /**
   * @param asked.skip a delta update was asked for. It is given to a client that knows what it leaves out: one
   *   that asks for a number before the first that is listed was away, and gets the whole playlist.
   * @returns undefined while there is nothing to list.
   */
  get(access: Access, asked: DeliveryDirectives): PreparedText | undefined {
    const { listing } = this;
    if (!listing) return undefined;
    const skip = asked.skip && !this.#source.isEnded() && this.#isKnownTo(asked, listing);
    const variant = skip ? `${access} skip` : access;
    const made = this.#texts.get(variant);
    if (made) return made;
    const { timeline, rules } = this.#source;
    const ended = this.#source.isEnded();
    const reports = this.#source.reports();
    const text = writeMediaPlaylist({ timeline, listing, rules, access, skip, ended, reports });
    const prepared = new PreparedText(text, CONTENT_TYPES.playlist, CACHE.playlist);
    this.#texts.set(variant, prepared);
    this.writeCount += 1;
    return prepared;
  }

  #isKnownTo(asked: DeliveryDirectives, listing: Listing): boolean {
    const { timeline, rules } = this.#source;
    this.#firstUnskipped ??=
      listing.firstMediaSequenceNumber + skippableSegmentCount({ timeline, listing, rules });
    return asked.mediaSequenceNumber === undefined || asked.mediaSequenceNumber >= this.#firstUnskipped;
  }
}

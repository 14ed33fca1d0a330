/** Decides how a playlist request with delivery directives is answered (rfc8216bis §6.2.5.2). */

/** The delivery directives of a request, already checked for form. */
export interface DeliveryDirectives {
  readonly mediaSequenceNumber?: number;
  readonly partIndex?: number;
  readonly skip: boolean;
}

export type ReloadDecision =
  | { readonly kind: 'now' }
  /** Wait until the playlist holds this part. */
  | { readonly kind: 'wait'; readonly untilOrdinal: number }
  | { readonly kind: 'bad-request'; readonly reason: string };

/**
 * How far ahead of the newest segment a client may ask, in segments. The Advance Part Limit of the
 * specification (three seconds of parts) is more than that at any grid of ours and needs no rule of its own.
 */
export const MAX_SEGMENTS_AHEAD = 2;

const NOW: ReloadDecision = { kind: 'now' };

/**
 * @param headOrdinal the newest part of the playlist, as parts since EPOCH; negative when there is none yet.
 * @returns `now` also for what is in the playlist already and for every request after the end.
 */
export function decideReload(
  directives: DeliveryDirectives,
  state: { readonly headOrdinal: number; readonly partsPerSegment: number; readonly ended: boolean },
): ReloadDecision {
  const { mediaSequenceNumber, partIndex } = directives;
  const { headOrdinal, partsPerSegment, ended } = state;
  if (ended) return NOW;
  if (mediaSequenceNumber === undefined) {
    if (partIndex === undefined) return NOW;
    return { kind: 'bad-request', reason: '_HLS_part needs _HLS_msn.' };
  }
  const newest = Math.floor(headOrdinal / partsPerSegment);
  if (headOrdinal >= 0 && mediaSequenceNumber > newest + MAX_SEGMENTS_AHEAD) {
    return {
      kind: 'bad-request',
      reason: `_HLS_msn may be at most ${newest + MAX_SEGMENTS_AHEAD} now; reload the playlist without it.`,
    };
  }
  const untilOrdinal = ordinalAskedFor(mediaSequenceNumber, partIndex, partsPerSegment);
  return untilOrdinal <= headOrdinal ? NOW : { kind: 'wait', untilOrdinal };
}

/** Without a part the whole segment is meant; an index past the last part means part 0 of the next segment. */
function ordinalAskedFor(
  mediaSequenceNumber: number,
  partIndex: number | undefined,
  perSegment: number,
): number {
  const start = mediaSequenceNumber * perSegment;
  if (partIndex === undefined) return start + perSegment - 1;
  return start + Math.min(partIndex, perSegment);
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideReload } from '../../../domain/hls/blocking-reload.ts';

/** Segment 10 has three parts so far: the newest is part 2. */
const STATE = { headOrdinal: 52, partsPerSegment: 5, ended: false };

describe('what a blocking reload waits for', () => {
  it.each([
    ['nothing asked', {}, { kind: 'now' }],
    ['msn of a complete segment', { mediaSequenceNumber: 9 }, { kind: 'now' }],
    ['msn of the segment in the making', { mediaSequenceNumber: 10 }, { kind: 'wait', untilOrdinal: 54 }],
    ['msn of the next segment', { mediaSequenceNumber: 11 }, { kind: 'wait', untilOrdinal: 59 }],
    ['a part that is out', { mediaSequenceNumber: 10, partIndex: 2 }, { kind: 'now' }],
    ['the next part', { mediaSequenceNumber: 10, partIndex: 3 }, { kind: 'wait', untilOrdinal: 53 }],
    ['a part past the last', { mediaSequenceNumber: 10, partIndex: 5 }, { kind: 'wait', untilOrdinal: 55 }],
    [
      'a part far past the last',
      { mediaSequenceNumber: 10, partIndex: 999 },
      { kind: 'wait', untilOrdinal: 55 },
    ],
    ['a part past the last of a complete segment', { mediaSequenceNumber: 9, partIndex: 5 }, { kind: 'now' }],
    ['two ahead', { mediaSequenceNumber: 12 }, { kind: 'wait', untilOrdinal: 64 }],
  ])('%s', (_name, asked, expected) => {
    expect(decideReload({ skip: false, ...asked }, STATE)).toEqual(expected);
  });

  it('three ahead and a part without msn are bad requests that say what to do', () => {
    expect(decideReload({ skip: false, mediaSequenceNumber: 13 }, STATE)).toEqual({
      kind: 'bad-request',
      reason: '_HLS_msn may be at most 12 now; reload the playlist without it.',
    });
    expect(decideReload({ skip: false, partIndex: 0 }, STATE)).toMatchObject({ kind: 'bad-request' });
  });

  it('a stream without parts makes everyone wait; how far ahead they ask cannot be told', () => {
    const empty = { ...STATE, headOrdinal: -1 };
    expect(decideReload({ skip: false, mediaSequenceNumber: 56_000_000 }, empty)).toMatchObject({
      kind: 'wait',
    });
  });

  it('whatever is asked for is answered once the playlist has grown past it', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.option(fc.nat(20), { nil: undefined }), fc.nat(600), (msn, part, head) => {
        const asked = {
          skip: false,
          mediaSequenceNumber: msn,
          ...(part === undefined ? {} : { partIndex: part }),
        };
        const decision = decideReload(asked, { ...STATE, headOrdinal: head });
        if (decision.kind !== 'wait') return;
        expect(decision.untilOrdinal).toBeGreaterThan(head);
        expect(decideReload(asked, { ...STATE, headOrdinal: decision.untilOrdinal })).toEqual({
          kind: 'now',
        });
      }),
    );
  });
});

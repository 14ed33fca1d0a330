import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeRtp } from '../../../gpu-runner/ingest/rtp-door.ts';
import { induction } from './srt-callers.ts';

/** An RTP packet of version 2 with this payload type. */
function rtp(payloadType: number, marker = 0): Buffer {
  return Buffer.concat([Buffer.of(0x80, marker | payloadType), Buffer.alloc(1_326)]);
}

const MPEG_TS = { payloadType: 33, allowedSources: undefined };

describe('the door of an RTP port', () => {
  test('opens for the payload type of the stream, with the marker bit or without', () => {
    expect(judgeRtp(rtp(33), '10.0.0.1', MPEG_TS)).toEqual({ kind: 'welcome' });
    expect(judgeRtp(rtp(33, 0x80), '10.0.0.1', MPEG_TS)).toEqual({ kind: 'welcome' });
  });

  test('opens for allowed sources only, an IPv4 sender on an IPv6 socket among them', () => {
    const stream = { payloadType: 96, allowedSources: ['10.0.0.1'] };
    expect(judgeRtp(rtp(96), '::ffff:10.0.0.1', stream)).toEqual({ kind: 'welcome' });
    expect(judgeRtp(rtp(96), '10.0.0.2', stream)).toMatchObject({
      kind: 'turned-away',
      remedy: "Add the encoder's address to the stream's allowedSources.",
    });
  });

  test.each([
    ['another payload type', rtp(96), 'RTP with payload type 96 came in, and this stream takes 33'],
    ['SRT', induction(), 'SRT came to an RTP port'],
    ['plain MPEG-TS', Buffer.alloc(1_316, 0x47), 'plain MPEG-TS over UDP came to an RTP port'],
    ['text', Buffer.from('GET / HTTP/1.1'), 'bytes that are not RTP came in'],
    ['nothing', Buffer.alloc(0), 'bytes that are not RTP came in'],
  ])('stays shut for %s', (_name, bytes, reason) => {
    expect(judgeRtp(bytes, '10.0.0.1', MPEG_TS)).toMatchObject({ kind: 'turned-away', reason });
  });

  test('RTCP is neither the feed nor a complaint', () => {
    const report = Buffer.concat([Buffer.of(0x80, 200), Buffer.alloc(26)]);
    expect(judgeRtp(report, '10.0.0.1', MPEG_TS)).toEqual({ kind: 'ignored' });
  });

  test('no datagram is too odd to judge', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(judgeRtp(Buffer.from(bytes), '::1', MPEG_TS).kind).toBeTypeOf('string');
      }),
    );
  });
});

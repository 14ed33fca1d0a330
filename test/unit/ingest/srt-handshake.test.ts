import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  inductionResponse,
  readSrtDatagram,
  rejection,
  synCookie,
} from '../../../gpu-runner/ingest/srt-handshake.ts';
import { verifyPassphrase } from '../../../gpu-runner/ingest/srt-key-material.ts';
import { conclusion, induction, keyMaterial } from './srt-callers.ts';

describe('SRT handshakes', () => {
  test('any streamid of up to 512 bytes comes out as the caller wrote it', () => {
    const streamIds = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 120 })
      .filter((text) => !text.includes('\0') && Buffer.byteLength(text) <= 512);
    fc.assert(
      fc.property(streamIds, (streamId) => {
        const read = readSrtDatagram(conclusion({ cookie: 1, streamId }));
        expect(read).toMatchObject({ kind: 'conclusion', streamId: Buffer.from(streamId).toString() });
      }),
    );
  });

  test('the answer to an induction names version 5, the magic and the cookie, for the socket that asked', () => {
    const request = induction();
    expect(readSrtDatagram(request)).toEqual({ kind: 'induction' });
    const response = inductionResponse(request, 0xdeadbeef);
    expect(response.length).toBe(64);
    expect(response.readUInt32BE(12)).toBe(0x2a2a2a2a);
    expect(response.readUInt32BE(16)).toBe(5);
    expect(response.readUInt16BE(22)).toBe(0x4a17);
    expect(response.readUInt32BE(44)).toBe(0xdeadbeef);
  });

  test('a rejection carries 1000 and the reason, as libsrt reads it', () => {
    const request = conclusion({ cookie: 1, streamId: 'cam' });
    expect(rejection(request, 'badSecret').readUInt32BE(36)).toBe(1010);
    expect(rejection(request, 'forbidden').readUInt32BE(36)).toBe(2403);
    expect(rejection(request, 'badSecret').length).toBe(64);
  });

  test('the cookie is the one of libsrt: the first bytes of the MD5 of address, port and minute', () => {
    // md5("127.0.0.1:50000:0") begins with these bytes, read as a little-endian number.
    expect(synCookie('127.0.0.1', 50_000)).toBe(Buffer.from('d4359629', 'hex').readUInt32LE(0));
    expect(synCookie('127.0.0.1', 50_001)).not.toBe(synCookie('127.0.0.1', 50_000));
  });

  test.each([
    ['plain MPEG-TS', Buffer.alloc(1316, 0x47), { kind: 'not-srt', looksLike: 'mpeg-ts' }],
    [
      'RTP with MPEG-TS',
      Buffer.concat([Buffer.of(0x80, 33), Buffer.alloc(1326)]),
      { kind: 'not-srt', looksLike: 'rtp' },
    ],
    ['text', Buffer.from('GET / HTTP/1.1\r\n\r\n'), { kind: 'not-srt', looksLike: 'unknown' }],
    ['nothing', Buffer.alloc(0), { kind: 'not-srt', looksLike: 'unknown' }],
    [
      'data of a connection that is over',
      Buffer.alloc(1332, 0xc0).fill(0x12, 0, 4).fill(0x12, 12, 16),
      { kind: 'other-srt' },
    ],
    ['a keep-alive of one', Buffer.from('80010000000000000000000012345678', 'hex'), { kind: 'other-srt' }],
  ])('%s is told apart', (_name, bytes, expected) => {
    expect(readSrtDatagram(bytes)).toEqual(expected);
  });

  test('no datagram is too odd to read', () => {
    const odd = fc.uint8Array({ maxLength: 300 });
    const nearlyRight = fc.tuple(odd, fc.nat(70)).map(([tail, cut]) => {
      const packet = Buffer.concat([conclusion({ cookie: 7, streamId: 'x' }), Buffer.from(tail)]);
      return packet.subarray(0, packet.length - cut);
    });
    fc.assert(
      fc.property(fc.oneof(odd, nearlyRight), (bytes) => {
        expect(readSrtDatagram(Buffer.from(bytes)).kind).toBeTypeOf('string');
      }),
    );
  });
});

describe('the passphrase of a caller', () => {
  test.each([16, 24, 32] as const)('is recognised with keys of %i bytes', async (keyBytes) => {
    const material = keyMaterial('correct horse battery', keyBytes);
    expect(await verifyPassphrase(material, 'correct horse battery')).toBe('right');
    expect(await verifyPassphrase(material, 'correct horse batterx')).toBe('wrong');
  });

  test('key material of any bytes is judged and not thrown over', async () => {
    const odd = fc.uint8Array({ maxLength: 120 });
    const head = [0x12, 0x20, 0x29, 0x01, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0];
    const nearlyRight = fc.tuple(fc.nat(255), fc.nat(255), odd).map(([salt, key, rest]) => {
      return Uint8Array.from([...head, salt, key, ...rest]);
    });
    await fc.assert(
      fc.asyncProperty(fc.oneof(odd, nearlyRight), async (bytes) => {
        expect(['wrong', 'unreadable']).toContain(
          await verifyPassphrase(Buffer.from(bytes), 'correct horse'),
        );
      }),
      { numRuns: 300 },
    );
  });
});

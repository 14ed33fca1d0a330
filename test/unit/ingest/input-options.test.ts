import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Ingest, ingestSchema, passphraseSchema } from '../../../domain/stream.ts';
import { inputPlan, SRT_PAYLOAD_BYTES, srtBufferPackets } from '../../../gpu-runner/ingest/input-options.ts';

const SDP = 'v=0\r\nm=video 5004 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n';

function ingest(input: Record<string, unknown>): Ingest {
  return ingestSchema.parse(input);
}

const printable = fc
  .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 10, maxLength: 79 })
  .map((codes) => String.fromCharCode(...codes))
  .filter((text) => passphraseSchema.safeParse(text).success);

describe('what FFmpeg is told', () => {
  test('SRT latency, milliseconds here, is microseconds there', () => {
    const { options } = inputPlan(ingest({ protocol: 'srt-listener', port: 9001, latencyMs: 350 }));
    expect(options['latency']).toBe('350000');
  });

  test('an SRT listener on the default address takes IPv4 and IPv6', () => {
    const plan = inputPlan(ingest({ protocol: 'srt-listener', port: 9001 }));
    expect(plan.url).toBe('srt://[::]:9001');
    expect(plan.options).toMatchObject({ mode: 'listener', ipv6only: '0', pkt_size: '1316' });
  });

  test('an SRT listener on an IPv4 address is not asked for IPv6', () => {
    const { options } = inputPlan(ingest({ protocol: 'srt-listener', host: '127.0.0.1', port: 9001 }));
    expect(options).not.toHaveProperty('ipv6only');
  });

  test('any passphrase and streamid reaches FFmpeg unchanged, and neither stands in the URL', () => {
    const streamIds = fc.string({ minLength: 1, maxLength: 120, unit: 'grapheme' });
    fc.assert(
      fc.property(printable, streamIds, (passphrase, streamId) => {
        const call = ingest({
          protocol: 'srt-caller',
          host: 'cam.example',
          port: 7001,
          passphrase,
          streamId,
        });
        const { url, options } = inputPlan(call);
        expect(url).toBe('srt://cam.example:7001');
        expect(options['passphrase']).toBe(passphrase);
        expect(options['streamid']).toBe(streamId);
      }),
    );
  });

  test('a listener keeps its streamid to itself: it is compared at the door', () => {
    const plan = inputPlan(ingest({ protocol: 'srt-listener', port: 9001, streamId: 'cam-1' }));
    expect(plan.options).not.toHaveProperty('streamid');
  });

  test('receive buffers hold 50 Mbps for four latencies, and never less than libsrt gives by itself', () => {
    const bytesOfFourLatencies = (50_000_000 / 8) * 4 * 2;
    expect(srtBufferPackets(2_000) * SRT_PAYLOAD_BYTES).toBeGreaterThanOrEqual(bytesOfFourLatencies);
    expect(srtBufferPackets(20)).toBe(8_192);
  });

  test('the flight window is never smaller than the receive buffer, which libsrt refuses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 8_000 }), (latencyMs) => {
        const { options } = inputPlan(ingest({ protocol: 'srt-listener', port: 9001, latencyMs }));
        expect(Number(options['ffs'])).toBeGreaterThanOrEqual(Number(options['rcvbuf']) / 1472);
      }),
    );
  });

  test('an SDP of any text survives the way into the URL', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const name = text.replaceAll(/[\r\n]/g, ' ');
        const sdp = `v=0\r\ns=${name}\r\nm=video 5004 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n`;
        const { url } = inputPlan({ protocol: 'rtp-sdp', sdp });
        const written = Buffer.from(url.slice('data:application/sdp;base64,'.length), 'base64');
        expect(written.toString('utf8')).toBe(Buffer.from(sdp, 'utf8').toString('utf8'));
      }),
    );
  });

  test('an RTP ingest may open RTP over UDP and nothing else', () => {
    const { options } = inputPlan({ protocol: 'rtp-sdp', sdp: SDP });
    expect(options['protocol_whitelist']).toBe('data,rtp,udp');
  });

  test('timestamps come as the sender wrote them', () => {
    const plans = [
      inputPlan(ingest({ protocol: 'srt-listener', port: 9001 })),
      inputPlan(ingest({ protocol: 'rtp-mpegts', port: 9001 })),
    ];
    for (const { options } of plans) expect(options['correct_ts_overflow']).toBe('0');
  });

  test('an SDP that cannot be received is refused before it is opened', () => {
    expect(() => inputPlan({ protocol: 'rtp-sdp', sdp: 'v=0\r\nm=audio 5004 RTP/AVP 97\r\n' })).toThrow(
      /no m=video line/,
    );
  });
});

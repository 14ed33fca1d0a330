import { describe, expect, it } from 'vitest';
import { connectSheets } from '../../../player/console/connect-lines.ts';

const PASSPHRASE = 'planted-passphrase-1';
const target = {
  host: '127.0.0.1',
  port: 9_003,
  url: `srt://127.0.0.1:9003?mode=caller&latency=120000&streamid=cam&passphrase=${PASSPHRASE}&pkt_size=1316`,
  passphrase: PASSPHRASE,
};
const listener = { protocol: 'srt-listener', latencyMs: 120, streamId: 'cam' };

const textsOf = (sheets: ReturnType<typeof connectSheets>) =>
  sheets.flatMap(({ lines }) => lines.map(({ value }) => value));

describe('the lines that connect an encoder', () => {
  it('hold the passphrase only when it is asked for', () => {
    const hidden = textsOf(connectSheets(listener, target, { pageHost: 'localhost', isShown: false }));
    expect(hidden.join('\n')).not.toContain(PASSPHRASE);
    expect(hidden.join('\n')).toContain('passphrase=••••••••&pkt_size=1316&pbkeylen=16');
    const shown = textsOf(connectSheets(listener, target, { pageHost: 'localhost', isShown: true }));
    expect(shown.filter((text) => text.includes(PASSPHRASE))).toHaveLength(4);
  });

  it('say address, port, latency, key length, passphrase and streamid to a hardware encoder', () => {
    const [, , hardware] = connectSheets(listener, target, { pageHost: 'localhost', isShown: true });
    expect(hardware?.lines.map(({ label, value }) => [label, value])).toEqual([
      ['Mode', 'Caller'],
      ['Address', '127.0.0.1'],
      ['Port', '9003'],
      ['Latency', '120 ms'],
      ['Stream ID', 'cam'],
      ['Encryption', 'AES-128 (key length 16)'],
      ['Passphrase', PASSPHRASE],
    ]);
  });

  it('name the host of the page when it is seen from another machine than the one that runs all', () => {
    const server = (pageHost: string) =>
      connectSheets(listener, target, { pageHost, isShown: false })[0]?.lines[0]?.value;
    expect(server('192.0.2.7')).toMatch(/^srt:\/\/192\.0\.2\.7:9003\?/);
    expect(server('[2001:db8::7]')).toMatch(/^srt:\/\/\[2001:db8::7\]:9003\?/);
    expect(server('localhost')).toMatch(/^srt:\/\/127\.0\.0\.1:9003\?/);
    const elsewhere = {
      ...target,
      host: 'ingest.example.com',
      url: 'srt://ingest.example.com:9003?mode=caller',
    };
    const lines = connectSheets(listener, elsewhere, { pageHost: 'console.example.com', isShown: false });
    expect(lines[0]?.lines[0]?.value).toMatch(/^srt:\/\/ingest\.example\.com:9003/);
  });

  it('of a feed without a passphrase say that there is none', () => {
    const open = { host: '127.0.0.1', port: 9_003, url: 'srt://127.0.0.1:9003?mode=caller' };
    const sheets = connectSheets(listener, open, { pageHost: 'localhost', isShown: false });
    expect(textsOf(sheets)).toContain('None');
    expect(textsOf(sheets).join()).not.toContain('pbkeylen');
    expect(sheets.flatMap(({ lines }) => lines).some(({ isSecret }) => isSecret)).toBe(false);
  });

  it('of a caller tell what the encoder must listen to, running or not', () => {
    const ingest = { protocol: 'srt-caller', host: 'cam.example.com', port: 7_001, latencyMs: 200 };
    const sheets = connectSheets(ingest, undefined, { pageHost: 'localhost', isShown: false });
    expect(textsOf(sheets)).toEqual(['Listener', 'cam.example.com:7001', '200 ms']);
  });

  it('of a listener that does not run are not there', () => {
    expect(connectSheets(listener, undefined, { pageHost: 'localhost', isShown: false })).toEqual([]);
  });

  it('of RTP name the port', () => {
    const rtp = { host: '127.0.0.1', port: 9_004, url: 'rtp://127.0.0.1:9004?pkt_size=1316' };
    const sheets = (protocol: string) =>
      textsOf(connectSheets({ protocol }, rtp, { pageHost: 'localhost', isShown: false })).join('\n');
    expect(sheets('rtp-mpegts')).toContain('-f rtp_mpegts "rtp://127.0.0.1:9004?pkt_size=1316"');
    expect(sheets('rtp-sdp')).toContain('9004 (UDP)');
    const media = [
      { medium: 'video' as const, port: 9_004, url: 'rtp://127.0.0.1:9004' },
      { medium: 'audio' as const, port: 9_006, url: 'rtp://127.0.0.1:9006' },
    ];
    const two = connectSheets(
      { protocol: 'rtp-sdp' },
      { ...rtp, media },
      { pageHost: 'localhost', isShown: false },
    );
    expect(two[0]?.lines.map(({ label, value }) => [label, value])).toEqual([
      ['Address', '127.0.0.1'],
      ['Port of the video', '9004 (UDP)'],
      ['Port of the sound', '9006 (UDP)'],
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { announcementText, stateLine } from '../../../local/announcement.ts';

const BASE = {
  port: 8080,
  tls: false,
  ownCertificate: false,
  demoFeedCount: 3,
  ownFeed: { port: 9004 },
  lanAddresses: [],
};

describe('what npm start prints', () => {
  it('the page, the API, and lines to copy for OBS and ffmpeg', () => {
    const text = announcementText(BASE);
    expect(text).toContain('Page     http://localhost:8080/');
    expect(text).toContain('Console  http://localhost:8080/console/');
    expect(text).toContain('API      http://localhost:8080/v1/streams');
    expect(text).toContain('Server: srt://127.0.0.1:9004?latency=120000');
    expect(text).toContain('-f mpegts "srt://127.0.0.1:9004?latency=120000&pkt_size=1316"');
    expect(text).not.toContain('From another machine');
  });

  it('in a network: its address, and over plain HTTP what the limit is', () => {
    const text = announcementText({ ...BASE, lanAddresses: ['192.168.1.5'] });
    expect(text).toContain('http://192.168.1.5:8080/ and srt://192.168.1.5:9004');
    expect(text).toContain('--tls lifts that');
    const secure = announcementText({
      ...BASE,
      tls: true,
      ownCertificate: true,
      lanAddresses: ['192.168.1.5'],
    });
    expect(secure).toContain('https://192.168.1.5:8080/');
    expect(secure).not.toContain('--tls lifts that');
    expect(secure).toContain('the browser asks once');
  });

  it('the operator token once, and later how to make another', () => {
    expect(announcementText({ ...BASE, newToken: 'mirror_x' })).toContain(
      'export MIRROR_URL=http://localhost:8080 MIRROR_TOKEN=mirror_x',
    );
    expect(announcementText(BASE)).toContain('npm start -- --new-token');
  });

  it('feeds that go on air, are lost or fail are said; the rest is not', () => {
    expect(stateLine({ name: 'A', state: 'live' })).toBe('  A: on air\n');
    expect(stateLine({ name: 'A', state: 'interrupted' })).toContain('signal lost');
    expect(stateLine({ name: 'A', state: 'failed', reason: 'no GPU' })).toContain('failed, no GPU');
    expect(stateLine({ name: 'A', state: 'waiting' })).toBeUndefined();
  });
});

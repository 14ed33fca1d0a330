import { describe, expect, it } from 'vitest';
import { createStreamSchema } from '../../../domain/control/api.ts';
import { createBody, fieldOfPointer } from '../../../player/console/create-body.ts';

const base = {
  name: 'Goal line',
  access: 'premium',
  frameRate: '50',
  hardware: 'auto',
  signalLoss: 'slate',
  start: 'on',
};

describe('the form of a new stream', () => {
  it.each([
    ['an SRT listener', { protocol: 'srt-listener', latencyMs: '200', srtStreamId: 'cam/1' }],
    [
      'an SRT caller',
      {
        protocol: 'srt-caller',
        host: 'cam.example.com',
        port: '7001',
        latencyMs: '120',
        passphrase: 'ten-characters',
      },
    ],
    ['RTP with MPEG-TS', { protocol: 'rtp-mpegts', allowedSources: '192.0.2.1\n192.0.2.2, 2001:db8::1' }],
    ['RTP with an SDP', { protocol: 'rtp-sdp', sdp: 'v=0\nm=video 5000 RTP/AVP 96', record: 'on' }],
  ])('makes a body that the API takes, for %s', (_name, fields) => {
    const parsed = createStreamSchema.safeParse(createBody({ ...base, id: 'goal', ...fields }));
    expect(parsed.error?.issues ?? []).toEqual([]);
    expect(parsed.data).toMatchObject({
      id: 'goal',
      name: 'Goal line',
      frameRate: 50,
      signalLoss: 'slate',
      record: 'record' in fields,
      ingest: { protocol: fields.protocol },
    });
  });

  it('leaves out what is empty, so that the API chooses', () => {
    expect(createBody({ name: 'A', protocol: 'srt-listener' })).toEqual({
      name: 'A',
      ingest: { protocol: 'srt-listener' },
      record: false,
    });
  });

  it('finds the field that the API complains of', () => {
    const issues = createStreamSchema.safeParse(
      createBody({ ...base, protocol: 'srt-listener', latencyMs: '5' }),
    ).error?.issues;
    expect(issues?.map(({ path }) => fieldOfPointer(path.join('.')))).toEqual(['latencyMs']);
    expect(fieldOfPointer('/ingest/streamId')).toBe('srtStreamId');
    expect(fieldOfPointer('name')).toBe('name');
  });
});

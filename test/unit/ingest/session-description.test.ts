import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isMulticast,
  mpegTsSessionDescription,
  sessionDescriptionProblems,
  videoOf,
  withAllowedSources,
} from '../../../gpu-runner/ingest/session-description.ts';

const GOOD = [
  'v=0',
  'o=- 0 0 IN IP4 127.0.0.1',
  's=camera',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=video 5004 RTP/AVP 96',
  'a=rtpmap:96 H265/90000',
  'm=audio 5006 RTP/AVP 97',
  'a=rtpmap:97 opus/48000/2',
].join('\r\n');

describe('session descriptions', () => {
  test('video in H265 with sound in Opus has no problem', () => {
    expect(sessionDescriptionProblems(GOOD)).toEqual([]);
  });

  test('our own description of MPEG-TS in RTP has no problem', () => {
    expect(sessionDescriptionProblems(mpegTsSessionDescription('::', 5004))).toEqual([]);
    expect(mpegTsSessionDescription('::', 5004)).toContain('c=IN IP6 ::');
    expect(mpegTsSessionDescription('10.0.0.1', 5004)).toContain('c=IN IP4 10.0.0.1');
  });

  test.each([
    ['', 'it does not begin with v=0'],
    [GOOD.replace('H265', 'VP8'), 'video in VP8 is not taken, H264 and H265 are'],
    [GOOD.replace('a=rtpmap:96 H265/90000\r\n', ''), 'm=video has no a=rtpmap:96'],
    [GOOD.replace('video 5004', 'video 0'), 'm=video has no port'],
    [GOOD.replace('5004 RTP/AVP', '5004 RTP/SAVP'), 'm=video is RTP/SAVP, not RTP/AVP'],
    [GOOD.replace('5006', '5004'), 'two m= lines have the same port'],
    [GOOD.replace('m=video', 'm=application'), 'it has no m=video line'],
  ])('names what is wrong (%#)', (sdp, problem) => {
    expect(sessionDescriptionProblems(sdp)).toContain(problem);
  });

  test('any text at all is judged and not thrown over', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('v=0', 'm=video', 'm=video x RTP/AVP 96', 'm=', 'a=rtpmap:96 ', 'm=audio 1 RTP/AVP 0'),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(Array.isArray(sessionDescriptionProblems(lines.join('\n')))).toBe(true);
      }),
    );
  });
});

describe('allowed sources', () => {
  test('stand before the first m= line, one filter each, and replace those of the sender', () => {
    const sdp = `${GOOD}\r\na=source-filter: incl IN IP4 * 6.6.6.6\r\n`;
    const lines = withAllowedSources(sdp, ['10.0.0.7', 'fd00::7']).split('\r\n');
    expect(lines.indexOf('a=source-filter: incl IN IP4 * 10.0.0.7')).toBeLessThan(
      lines.findIndex((line) => line.startsWith('m=')),
    );
    expect(lines).toContain('a=source-filter: incl IN IP6 * fd00::7');
    expect(lines.join()).not.toContain('6.6.6.6');
  });

  test('none given: the description stays as it is', () => {
    expect(withAllowedSources(GOOD, undefined)).toBe(GOOD);
    expect(withAllowedSources(GOOD, [])).toBe(GOOD);
  });
});

test('a group is told from a single address, in a host and in an SDP', () => {
  const groups = ['239.1.2.3', 'ff02::1', GOOD.replace('c=IN IP4 127.0.0.1', 'c=IN IP4 232.0.0.1/32')];
  const singles = ['127.0.0.1', '10.239.1.1', '::', 'fd00::1', 'camera.example', GOOD];
  expect(groups.map(isMulticast)).toEqual([true, true, true]);
  expect(singles.map(isMulticast)).toEqual(singles.map(() => false));
});

test('the port and payload type of the video are those of its m= line', () => {
  expect(videoOf(GOOD)).toMatchObject({ port: 5004, payloadType: 96 });
  expect(videoOf('v=0')).toBeUndefined();
});

import { describe, expect, test } from 'vitest';
import {
  ATTEMPT_MS,
  Complaints,
  MAX_REMEMBERED,
  REPEAT_AFTER_MS,
} from '../../../gpu-runner/ingest/complaints.ts';
import { FakeClock, RecordingLog } from './fakes.ts';

const WRONG = { reason: 'wrong passphrase', remedy: 'copy it' };

function complaints() {
  const clock = new FakeClock();
  const log = new RecordingLog();
  return { clock, log, complaints: new Complaints(log, clock) };
}

describe('complaints', () => {
  test('the same one of the same peer is written once, with reason and remedy', () => {
    const { log, complaints: all } = complaints();
    for (let count = 0; count < 1_000; count += 1) all.warn('feed-refused', '10.0.0.1', WRONG);
    expect(log.lines).toEqual([
      { level: 'warn', event: 'feed-refused', fields: { ...WRONG, peer: '10.0.0.1' } },
    ]);
  });

  test('another peer, and another reason, are written too', () => {
    const { log, complaints: all } = complaints();
    all.warn('feed-refused', '10.0.0.1', WRONG);
    all.warn('feed-refused', '10.0.0.2', WRONG);
    all.warn('feed-refused', '10.0.0.1', { ...WRONG, reason: 'no passphrase' });
    expect(log.lines).toHaveLength(3);
  });

  test('after a while it is written again, with the count of those left out', () => {
    const { clock, log, complaints: all } = complaints();
    all.warn('feed-refused', 'a', WRONG);
    all.warn('feed-refused', 'a', WRONG);
    clock.advance(REPEAT_AFTER_MS);
    all.warn('feed-refused', 'a', WRONG);
    expect(log.lines.at(-1)?.fields).toMatchObject({ repeatedCount: 1 });
  });

  test('a scan from very many addresses does not grow what is remembered', () => {
    const { log, complaints: all } = complaints();
    for (let peer = 0; peer <= MAX_REMEMBERED; peer += 1) all.warn('feed-refused', `peer-${peer}`, WRONG);
    all.warn('feed-refused', 'peer-0', WRONG);
    expect(log.lines).toHaveLength(MAX_REMEMBERED + 2);
  });

  test('datagrams without a pause are one attempt, after a pause they are the next', () => {
    const { clock, complaints: all } = complaints();
    expect(all.isNewAttempt('a')).toBe(true);
    for (let count = 0; count < 10; count += 1) {
      clock.advance(ATTEMPT_MS - 1);
      expect(all.isNewAttempt('a')).toBe(false);
    }
    clock.advance(ATTEMPT_MS);
    expect(all.isNewAttempt('a')).toBe(true);
  });
});

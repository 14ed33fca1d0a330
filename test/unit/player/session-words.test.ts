import { describe, expect, it } from 'vitest';
import { controlErrors } from '../../../domain/control/errors.ts';
import { problemFrom } from '../../../player/session-words.ts';

const utc = (at: Date) => at.toISOString().slice(11, 16);

describe('what the page says of a refused session', () => {
  it('the sessions that hold the places are named by their feeds and their time, and by nothing else', () => {
    const problem = problemFrom(
      409,
      {
        code: 'CONTROL_VIEWER_STREAM_LIMIT',
        sessions: [
          {
            openedAt: '2026-06-01T14:03:00.000Z',
            streams: [{ name: 'Stage' }, { name: 'Goal line' }],
          },
          { openedAt: 'nonsense', streams: [] },
        ],
      },
      utc,
    );
    expect(problem.words).toBe(
      'You are watching as many feeds as you may, in other windows: Stage, Goal line (opened at 14:03); ' +
        'feeds that are gone. Close one of them: its places come free within 90 s, and this goes on by itself.',
    );
    expect(problem.passes).toBe(true);
  });

  it.each(['TICKET_EXPIRED', 'TICKET_USED', 'TICKET_INVALID', 'STREAM_NOT_PLAYABLE', 'SESSION_NOT_FOUND'])(
    '%s is said in our words and does not pass by itself',
    (name) => {
      expect(Object.keys(controlErrors.definitions)).toContain(name);
      const problem = problemFrom(401, { code: `CONTROL_${name}`, title: 'API', remedy: 'API' });
      expect(problem.words).not.toContain('API');
      expect(problem.words).not.toBe('');
      expect(problem.passes).toBe(false);
    },
  );

  it('what may be tried again passes; what has no words of ours is said in those of the API', () => {
    expect(problemFrom(503, { code: 'CONTROL_VIEWER_LIMIT', retryable: true }).passes).toBe(true);
    expect(problemFrom(409, { code: 'CONTROL_IDEMPOTENCY_IN_PROGRESS', retryable: true }).passes).toBe(true);
    expect(problemFrom(502, undefined).passes).toBe(true);
    expect(problemFrom(400, { title: 'No.', detail: 'It is so.', remedy: 'Do this.' }).words).toBe(
      'No. It is so. Do this.',
    );
    expect(problemFrom(400, 'nonsense').words).toBe('The server did not let this page in.');
  });
});

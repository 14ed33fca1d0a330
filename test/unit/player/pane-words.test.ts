import { describe, expect, it } from 'vitest';
import { paneWords } from '../../../player/pane-words.ts';

const stream = (state: string, reason?: string) => ({
  id: 'cam-1',
  name: 'Harbour',
  state,
  ...(reason === undefined ? {} : { reason }),
});

describe('what a pane says', () => {
  it.each([
    ['playing', 'live', undefined, 'live', undefined],
    ['playing', 'interrupted', undefined, 'signal lost', undefined],
    ['stalled', 'live', undefined, 'stalled', undefined],
    ['connecting', 'live', undefined, 'connecting', 'Connecting …'],
    ['waiting', 'waiting', undefined, 'waiting', 'Waiting for the feed. It starts here by itself.'],
    ['waiting', 'premium', undefined, 'waiting', 'Not started yet. It starts here by itself.'],
    [
      'waiting',
      undefined,
      undefined,
      'not here',
      'No feed of this name is open to this page. Check the link, or press Feeds for those that there are.',
    ],
    [
      'reconnecting',
      'live',
      'The server does not answer.',
      'reconnecting',
      'The server does not answer. Trying again.',
    ],
    ['ended', 'stopped', undefined, 'ended', 'This stream has ended.'],
  ] as const)('%s, server says %s', (phase, state, problem, badge, message) => {
    const words = paneWords(phase, state === undefined ? undefined : stream(state), problem);
    expect(words.badge).toBe(badge);
    expect(words.message).toBe(message);
  });

  it('a failed stream says why, whatever the pane does', () => {
    for (const phase of ['connecting', 'playing', 'reconnecting'] as const)
      expect(paneWords(phase, stream('failed', 'no GPU'), undefined).message).toBe(
        'This feed has failed: no GPU.',
      );
  });
});

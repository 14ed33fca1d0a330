/** What a pane says of itself, in words and with what to do. */

/** As `GET /v1/streams` lists it; the page uses these fields. */
export interface StreamSummary {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly reason?: string;
  readonly ingestUrl?: string;
}

export type PanePhase = 'connecting' | 'waiting' | 'playing' | 'stalled' | 'reconnecting' | 'ended';

export interface PaneWords {
  readonly tone: 'good' | 'quiet' | 'warn' | 'bad';
  /** One or two words, shown as a badge. */
  readonly badge: string;
  /** A sentence over the picture's place; undefined while there is a picture to look at. */
  readonly message: string | undefined;
}

/**
 * @param stream what the server says; undefined when it lists no such stream, or could not be asked.
 * @param problem what the engine said last, in words.
 */
export function paneWords(
  phase: PanePhase,
  stream: StreamSummary | undefined,
  problem: string | undefined,
): PaneWords {
  if (stream?.state === 'failed') {
    return {
      tone: 'bad',
      badge: 'failed',
      message: `This feed has failed: ${stream.reason ?? 'no reason is known'}.`,
    };
  }
  if (stream?.state === 'stopped' || phase === 'ended') {
    return { tone: 'quiet', badge: 'ended', message: 'This stream has ended.' };
  }
  if (phase === 'playing') {
    return stream?.state === 'interrupted'
      ? { tone: 'warn', badge: 'signal lost', message: undefined }
      : { tone: 'good', badge: 'live', message: undefined };
  }
  if (phase === 'stalled') return { tone: 'warn', badge: 'stalled', message: undefined };
  if (stream?.state === 'waiting') {
    return { tone: 'quiet', badge: 'waiting', message: 'Waiting for the feed. It starts here by itself.' };
  }
  if (phase === 'reconnecting') {
    return {
      tone: 'warn',
      badge: 'reconnecting',
      message: `${problem ?? 'The picture is gone.'} Trying again.`,
    };
  }
  if (phase === 'waiting' && stream === undefined) {
    return {
      tone: 'quiet',
      badge: 'not here',
      message:
        'No feed of this name is open to this page. Check the link, or press Feeds for those that there are.',
    };
  }
  if (phase === 'waiting') {
    return { tone: 'quiet', badge: 'waiting', message: 'Not started yet. It starts here by itself.' };
  }
  return { tone: 'quiet', badge: 'connecting', message: 'Connecting …' };
}

/** The streams that `npm start` brings along: demo feeds, and a place for the person's own. */
import { availableParallelism } from 'node:os';
import { DEMO_FEED_NAMES, type DemoFeed, demoFeedCount } from '../tools/feeds/demo.ts';
import type { BuiltInStream } from './control.ts';

/** Stream of the person who started this; it waits for an encoder. */
export const OWN_FEED_ID = 'own';

/** The demo feeds first, as many as suit the machine when no number is given, then the person's own. */
export function builtInStreams(feedCount: number | undefined): readonly BuiltInStream[] {
  const demoCount = feedCount ?? demoFeedCount(availableParallelism());
  const demo = Array.from({ length: demoCount }, (_, index) => ({
    id: `cam-${index + 1}`,
    name: demoFeedName(index),
    demo: true,
  }));
  return [...demo, { id: OWN_FEED_ID, name: 'Your own feed', demo: false }];
}

/** What the demo program is told to send, to the ports that the streams were given. */
export function demoFeedsFor(
  streams: readonly BuiltInStream[],
  portOf: (streamId: string) => number | undefined,
): readonly DemoFeed[] {
  return streams
    .filter(({ demo }) => demo)
    .map(({ id, name }) => ({ to: `srt://127.0.0.1:${portOf(id)}`, name }));
}

function demoFeedName(index: number): string {
  const name = DEMO_FEED_NAMES[index % DEMO_FEED_NAMES.length] ?? 'FEED';
  return index < DEMO_FEED_NAMES.length ? name : `${name} ${Math.floor(index / DEMO_FEED_NAMES.length) + 1}`;
}

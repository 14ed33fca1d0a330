/** One feed in a process of its own, for feed-process.ts: options as JSON in the first argument. */
import { onParentGone } from '../../adapters/parent-process.ts';
import { messageOf } from '../../domain/errors.ts';
import { parseFeedOptions } from './options.ts';
import { FeedSender } from './sender.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
onParentGone(() => stop.abort());

const sender = new FeedSender(parseFeedOptions(JSON.parse(process.argv[2] ?? '{}')));
void sender.connected.then((connection) => process.send?.({ kind: 'connected', ...connection }));
try {
  await sender.run(stop.signal);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
if (process.connected) process.disconnect();

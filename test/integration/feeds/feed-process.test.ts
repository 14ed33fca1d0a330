import { expect, test } from 'vitest';
import { FeedProcess } from '../../../tools/feeds/feed-process.ts';
import { srtUrl } from '../../../tools/feeds/options.ts';
import { freeUdpPort } from './free-port.ts';
import { receive } from './receiver.ts';

test('a feed in a process of its own is killed without a goodbye, and the receiver waits in vain', async () => {
  const port = await freeUdpPort();
  // First the child: from here on this process uses SRT and must not fork.
  const feed = FeedProcess.start({ to: srtUrl({ port }), feedNumber: 3 });
  const receiving = receive(`${srtUrl({ port, mode: 'listener' })}&timeout=1500000`, { frameCount: 10_000 });
  await feed.connected;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const killedAtMs = Date.now();
  await feed.kill();
  const received = await receiving;
  expect(received.readings.filter(Boolean).length).toBeGreaterThan(10);
  expect(Date.now() - killedAtMs).toBeGreaterThan(1_000);
});

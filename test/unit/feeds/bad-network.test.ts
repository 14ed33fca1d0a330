import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { takeNetworkArgs, throughBadNetwork } from '../../../tools/bad-network.ts';

const TO = ['--to', 'srt://127.0.0.1:9001?latency=120000'];

test('what is about the network is taken out of the arguments of a feed, however it is written', () => {
  const { args, network } = takeNetworkArgs([
    '--loss',
    '0.05',
    ...TO,
    '--jitter=30',
    '--fps',
    '25',
    '--noise',
  ]);
  expect(args).toEqual([...TO, '--fps', '25', '--noise']);
  expect(network).toEqual({ lossRate: 0.05, jitterMs: 30 });
  expect(takeNetworkArgs(TO)).toEqual({ args: TO, network: undefined });
});

test.each([
  ['--loss', '5'],
  ['--loss', 'much'],
  ['--delay', '-1'],
])('%s %s is refused with what it takes', (...args) => {
  expect(() => takeNetworkArgs([...TO, ...args])).toThrow(/--\w+ must be a number, 0 to \d+/);
});

test('the feed is sent to a relay, which passes it on to the receiver', async () => {
  const receiver = createSocket('udp4');
  receiver.bind(0, '127.0.0.1');
  await once(receiver, 'listening');
  const stop = new AbortController();
  onTestFinished(() => {
    stop.abort();
    receiver.close();
  });
  const { port } = receiver.address();
  const args = [`--to=rtp://127.0.0.1:${port}`, '--quiet'];
  const [to = '', ...rest] = await throughBadNetwork(args, { delayMs: 1 }, stop.signal);
  expect(rest).toEqual(['--quiet']);
  const relayPort = Number(new URL(to.replace('--to=rtp', 'http')).port);
  expect(relayPort).not.toBe(port);
  const sender = createSocket('udp4');
  sender.send('a datagram', relayPort, '127.0.0.1');
  const [bytes]: Buffer[] = await once(receiver, 'message');
  sender.close();
  expect(bytes?.toString()).toBe('a datagram');
});

test('a bad network for a sender that listens, or for two ports, is refused', async () => {
  for (const to of ['srt://127.0.0.1:9001?mode=listener', 'rtp+sdp://127.0.0.1:9001'])
    await expect(throughBadNetwork(['--to', to], {}, new AbortController().signal)).rejects.toMatchObject({
      code: 'FEED_OPTIONS',
    });
});

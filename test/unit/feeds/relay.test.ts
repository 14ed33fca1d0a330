import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { type RelayOptions, UdpRelay } from '../../../tools/feeds/relay.ts';

const sockets: Socket[] = [];
const stops: AbortController[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
  for (const socket of sockets.splice(0)) socket.close();
});

describe('relay', () => {
  test('without impairments all datagrams arrive in order, and answers go back', async () => {
    const { sender, receiver, port } = await setUp({});
    const numbers = collect(receiver, 50);
    receiver.on('message', (datagram, from) => receiver.send(datagram, from.port, from.address));
    const answers = collect(sender, 50);
    await sendNumbers(sender, port, 50);
    expect(await numbers).toEqual(range(50));
    expect(await answers).toEqual(range(50));
  });

  test('lost datagrams are counted and the same for the same seed', async () => {
    const counts = [];
    for (let run = 0; run < 2; run++) {
      const { sender, relay, port } = await setUp({ lossRate: 0.3, seed: 5 });
      await sendNumbers(sender, port, 100);
      await until(() => relay.snapshot().forwardedCount + relay.snapshot().lostCount === 100);
      counts.push(relay.snapshot().lostCount);
    }
    expect(counts[0]).toBeGreaterThan(15);
    expect(counts[0]).toBeLessThan(45);
    expect(counts[1]).toBe(counts[0]);
  });

  test('reordered datagrams arrive after later ones, and none is lost', async () => {
    const { sender, receiver, port } = await setUp({ reorderRate: 0.2, reorderByMs: 30 });
    const numbers = collect(receiver, 100);
    await sendNumbers(sender, port, 100);
    const arrived = await numbers;
    expect(arrived).not.toEqual(range(100));
    expect([...arrived].sort((a, b) => a - b)).toEqual(range(100));
  });

  test('jitter alone keeps the order', async () => {
    const { sender, receiver, port } = await setUp({ jitterMs: 20 });
    const numbers = collect(receiver, 60);
    await sendNumbers(sender, port, 60);
    expect(await numbers).toEqual(range(60));
  });

  test('a cut relay swallows everything until it is restored', async () => {
    const { sender, receiver, relay, port } = await setUp({});
    relay.cut();
    await sendNumbers(sender, port, 10);
    await until(() => relay.snapshot().lostCount === 10);
    relay.restore();
    const numbers = collect(receiver, 1);
    await sendNumbers(sender, port, 1);
    expect(await numbers).toEqual([0]);
  });
});

async function setUp(options: Omit<RelayOptions, 'targetPort'>) {
  const receiver = await boundSocket();
  const sender = await boundSocket();
  const relay = new UdpRelay({ ...options, targetPort: receiver.address().port });
  const stop = new AbortController();
  stops.push(stop);
  void relay.run(stop.signal);
  return { sender, receiver, relay, port: await relay.ready };
}

async function boundSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  sockets.push(socket);
  return socket;
}

async function sendNumbers(socket: Socket, port: number, count: number): Promise<void> {
  for (let number = 0; number < count; number++)
    await new Promise<void>((resolve) =>
      socket.send(Buffer.from([number]), port, '127.0.0.1', () => resolve()),
    );
}

function collect(socket: Socket, count: number): Promise<number[]> {
  const numbers: number[] = [];
  return new Promise((resolve) => {
    socket.on('message', (datagram: Buffer) => {
      numbers.push(datagram[0] ?? -1);
      if (numbers.length === count) resolve(numbers);
    });
  });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

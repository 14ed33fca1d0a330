import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { SrtDoor } from '../../../gpu-runner/ingest/srt-door.ts';
import type { DoorOutcome, TurnedAway } from '../../../gpu-runner/ingest/udp-door.ts';
import { conclusion, induction, keyMaterial } from './srt-callers.ts';

const PASSPHRASE = 'correct horse battery';
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function openSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  cleanups.push(async () => {
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  });
  return socket;
}

/** A port that nothing holds. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp6');
  socket.bind(0, '::');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

interface OpenDoor {
  readonly outcome: Promise<DoorOutcome>;
  readonly turnedAway: TurnedAway[];
  /** Sends one datagram and waits for the answer. */
  ask(bytes: Buffer): Promise<Buffer>;
  send(bytes: Buffer): void;
  /** Goes through the first half of the handshake. */
  cookie(): Promise<number>;
}

async function openDoor(
  secrets: { passphrase?: string; streamId?: string; host?: string } = {},
): Promise<OpenDoor> {
  const port = await freePort();
  const stop = new AbortController();
  const turnedAway: TurnedAway[] = [];
  const onTurnedAway = (peer: TurnedAway) => turnedAway.push(peer);
  const outcome = new SrtDoor({ host: '127.0.0.1', port, ...secrets, onTurnedAway }).wait(stop.signal);
  const caller = await openSocket();
  cleanups.push(async () => {
    stop.abort();
    await outcome;
  });
  const send = (bytes: Buffer) => caller.send(bytes, port, '127.0.0.1');
  const ask = async (bytes: Buffer): Promise<Buffer> => {
    const answered = new Promise<Buffer>((resolve) => {
      caller.once('message', resolve);
    });
    send(bytes);
    return await answered;
  };
  const cookie = async () => (await ask(induction())).readUInt32BE(44);
  return { outcome, turnedAway, ask, send, cookie };
}

describe('the door of an SRT port', () => {
  test('a caller with the right passphrase and streamid comes in, and the port is free again', async () => {
    const door = await openDoor({ passphrase: PASSPHRASE, streamId: 'cam/1' });
    const cookie = await door.cookie();
    const welcome = conclusion({ cookie, streamId: 'cam/1', keyMaterial: keyMaterial(PASSPHRASE) });
    const again = await door.ask(welcome);
    // The induction once more, so that the caller concludes once more, with libsrt.
    expect([again.readUInt32BE(36), again.readUInt32BE(44)]).toEqual([1, cookie]);
    expect(await door.outcome).toEqual({ kind: 'caller', host: '127.0.0.1', remoteAddress: '127.0.0.1' });
    expect(door.turnedAway).toEqual([]);
  });

  test.each([
    ['a wrong passphrase', { keyMaterial: keyMaterial('another phrase') }, 'wrong passphrase', 1010],
    ['no passphrase', {}, 'the sender gave no passphrase', 1011],
    [
      'no readable key',
      { keyMaterial: Buffer.alloc(64) },
      'the key material of the sender cannot be read',
      1010,
    ],
    ['SRT before 1.3', { version: 4 }, 'the sender speaks SRT older than 1.3', 1008],
  ])('%s is turned away and told so', async (_name, input, reason, code) => {
    const door = await openDoor({ passphrase: PASSPHRASE });
    const cookie = await door.cookie();
    const answer = await door.ask(conclusion({ cookie, ...input }));
    expect(answer.readUInt32BE(36)).toBe(code);
    expect(door.turnedAway).toMatchObject([{ address: '127.0.0.1', reason }]);
    expect(door.turnedAway[0]?.remedy).not.toBe('');
  });

  test('another streamid, and none, are turned away before the passphrase is looked at', async () => {
    const door = await openDoor({ passphrase: PASSPHRASE, streamId: 'cam/1' });
    const cookie = await door.cookie();
    expect((await door.ask(conclusion({ cookie, streamId: 'cam/2' }))).readUInt32BE(36)).toBe(2403);
    expect((await door.ask(conclusion({ cookie }))).readUInt32BE(36)).toBe(2403);
    expect(door.turnedAway.map(({ reason }) => reason)).toEqual([
      'the sender gave another streamid',
      'the sender gave no streamid',
    ]);
  });

  test('an encrypting caller is turned away where the stream has no passphrase', async () => {
    const door = await openDoor();
    const cookie = await door.cookie();
    const answer = await door.ask(conclusion({ cookie, keyMaterial: keyMaterial(PASSPHRASE) }));
    expect(answer.readUInt32BE(36)).toBe(1011);
  });

  test('a conclusion with a made-up cookie is not even looked at', async () => {
    const door = await openDoor({ passphrase: PASSPHRASE });
    const cookie = await door.cookie();
    door.send(conclusion({ cookie: (cookie + 1) % 2 ** 32, keyMaterial: keyMaterial('another phrase') }));
    await door.cookie();
    expect(door.turnedAway).toEqual([]);
  });

  test('garbage, plain MPEG-TS and RTP are named, and the door stays open', async () => {
    const door = await openDoor();
    door.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    door.send(Buffer.alloc(1316, 0x47));
    door.send(Buffer.concat([Buffer.of(0x80, 33), Buffer.alloc(1326)]));
    const cookie = await door.cookie();
    expect(door.turnedAway.map(({ reason }) => reason)).toEqual([
      'bytes that are not SRT came in',
      'plain MPEG-TS over UDP came to an SRT port',
      'RTP came to an SRT port',
    ]);
    door.send(conclusion({ cookie }));
    expect((await door.outcome).kind).toBe('caller');
  });

  test('a port in use is said in words', async () => {
    const taken = await openSocket();
    const { port } = taken.address();
    const door = new SrtDoor({ host: '127.0.0.1', port, onTurnedAway: () => undefined });
    expect(await door.wait(new AbortController().signal)).toMatchObject({
      kind: 'not-opened',
      reason: `UDP port ${port} is in use by another program`,
    });
  });

  test('an address that is not of this machine is said in words', async () => {
    const door = new SrtDoor({ host: '192.0.2.1', port: 9_001, onTurnedAway: () => undefined });
    expect(await door.wait(new AbortController().signal)).toMatchObject({
      kind: 'not-opened',
      reason: '192.0.2.1 is not an address of this machine',
    });
  });

  test('an abort ends the wait, before it and within it, and frees the port', async () => {
    const port = await freePort();
    const options = { host: '::', port, onTurnedAway: () => undefined };
    expect(await new SrtDoor(options).wait(AbortSignal.abort())).toEqual({ kind: 'aborted' });
    for (let round = 0; round < 3; round += 1) {
      const stop = new AbortController();
      const waiting = new SrtDoor(options).wait(stop.signal);
      setImmediate(() => stop.abort());
      expect(await waiting).toEqual({ kind: 'aborted' });
    }
  });
});

/** UDP ports for the feeds of this machine: the usual ones where they are free, the next ones where not. */
import { createSocket } from 'node:dgram';
import { localErrors } from './errors.ts';

/** The first port of the platform's ingest addresses, on AWS as here. */
export const FIRST_FEED_PORT = 9001;
const TRIES_MAX = 500;

/**
 * @returns `count` ports that are free now, ascending from the first.
 * @throws MirrorError LOCAL_NO_FEED_PORT.
 */
export async function freeFeedPorts(count: number, firstPort = FIRST_FEED_PORT): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let port = firstPort; ports.length < count; port++) {
    if (port - firstPort >= TRIES_MAX || port > 65_535) throw localErrors.create('NO_FEED_PORT');
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  for (const [type, address] of [
    ['udp6', '::'],
    ['udp4', '0.0.0.0'],
  ] as const) {
    if ((await bindOnce(type, address, port)) === 'taken') return false;
  }
  return true;
}

function bindOnce(type: 'udp4' | 'udp6', address: string, port: number): Promise<'free' | 'taken'> {
  return new Promise((resolve) => {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      // A machine without IPv6 has that half of the port free by nature.
      resolve(error.code === 'EADDRINUSE' || error.code === 'EACCES' ? 'taken' : 'free');
    });
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve('free')));
  });
}

import { networkInterfaces } from 'node:os';

/** IPv4 addresses of this machine that others in its networks can reach. */
export function lanAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((entry) => (entry && entry.family === 'IPv4' && !entry.internal ? [entry.address] : []));
}

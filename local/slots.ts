/** The ingest slots of this machine: as many ports side by side as streams may run at once. */
import type { IngestSlot } from '../domain/control/ingest-slot.ts';
import { SEED_LIMITS } from '../domain/profile.ts';
import { FIRST_FEED_PORT, freeFeedPorts } from './feed-ports.ts';

/** Where the second medium of an RTP feed with an SDP arrives: so far above the first. */
const SECOND_PORT_OFFSET = 1_000;
const BLOCKS_MAX = 20;

/**
 * A whole block of ports that are free now, the usual one if it can be: two platforms on one machine then
 * share no port, although most of them are taken only when a stream starts.
 *
 * @throws MirrorError LOCAL_NO_FEED_PORT.
 */
export async function freeSlots(publicHost: string): Promise<readonly IngestSlot[]> {
  const count = SEED_LIMITS.streamCount;
  for (let block = 0; block < BLOCKS_MAX; block += 1) {
    const firstPort = FIRST_FEED_PORT + block * count;
    const ports = await freeFeedPorts(count, firstPort);
    if (ports.at(-1) === firstPort + count - 1) return ports.map((port) => slotAt(publicHost, port));
  }
  // Somebody sits in every block. Ports that are free one by one will do.
  return (await freeFeedPorts(count)).map((port) => slotAt(publicHost, port));
}

function slotAt(publicHost: string, port: number): IngestSlot {
  return { publicHost, port, secondPort: port + SECOND_PORT_OFFSET };
}

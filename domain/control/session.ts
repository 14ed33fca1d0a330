/** Viewer tickets and sessions. */
import * as z from 'zod';
import { DELIVERY_MODES, type DeliveryMode } from '../delivery.ts';
import { streamIdSchema } from '../stream.ts';
import { CONTROL_LIMITS } from './limits.ts';

export { DELIVERY_MODES, type DeliveryMode };

/** An opaque name that the app's backend gives its viewer. It becomes part of a key, hence the alphabet. */
export const viewerIdSchema = z
  .string()
  .min(1)
  .max(CONTROL_LIMITS.viewerIdCharCountMax)
  .regex(/^[A-Za-z0-9._~@+-]+$/, 'must be of A-Z, a-z, 0-9 and . _ ~ @ + -');

export interface ViewerSession {
  readonly sessionId: string;
  readonly viewerId: string;
  /** In the order of the panes; no stream twice. */
  readonly streamIds: readonly string[];
  /** What the ticket allows, for later swaps; `*` for every stream. */
  readonly allowedStreamIds: readonly string[] | '*';
  readonly delivery: DeliveryMode;
  readonly createdAtMs: number;
  /** The lease: a session that is not renewed by then is gone. */
  readonly expiresAtMs: number;
}

/** What a ticket says, besides the registered claims. */
export const ticketClaimsSchema = z.object({
  jti: z.string().min(16).max(64),
  sub: viewerIdSchema,
  exp: z.int(),
  iat: z.int(),
  /** Streams that may be watched: ids, or `*` for all. */
  streams: z.union([z.literal('*'), z.array(streamIdSchema).min(1).max(CONTROL_LIMITS.ticketStreamCountMax)]),
});
export type TicketClaims = z.output<typeof ticketClaimsSchema>;

/**
 * The panes after a swap: what is added takes the places of what is removed, in order; the rest goes to the
 * end. Panes that neither list names keep their places.
 */
export function swappedStreams(
  current: readonly string[],
  { add, remove }: { readonly add: readonly string[]; readonly remove: readonly string[] },
): string[] {
  const toAdd = add.filter((id) => !current.includes(id) || remove.includes(id));
  const result: string[] = [];
  for (const id of current) {
    if (!remove.includes(id)) {
      result.push(id);
      continue;
    }
    const replacement = toAdd.shift();
    if (replacement !== undefined) result.push(replacement);
  }
  return [...result, ...toAdd];
}

/** Ingest slots: the places at which encoders arrive. As many streams can run as there are slots. */
import * as z from 'zod';

export const ingestSlotSchema = z.strictObject({
  /** Host name or address that encoders send to. */
  publicHost: z.string().min(1).max(253),
  /** UDP port at which encoders arrive, the same outside and inside. */
  port: z.int().min(1).max(65_535),
  /** A second port, for an SDP with two media. Without it such a feed is refused. */
  secondPort: z.int().min(1).max(65_535).optional(),
  /** Of the NLB target group behind the port; on AWS only. */
  targetGroupArn: z.string().max(2_048).optional(),
  secondTargetGroupArn: z.string().max(2_048).optional(),
});
export type IngestSlot = z.output<typeof ingestSlotSchema>;

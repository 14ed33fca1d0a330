/** What the API process is told by the one that starts it. */
import { z } from 'zod';
import { ingestSlotSchema } from '../../domain/control/ingest-slot.ts';

/** Environment variable with the configuration as JSON: it holds the Redis password, which argv would show. */
export const API_CONFIG_ENV_NAME = 'MIRROR_LOCAL_API_CONFIG';

export const apiConfigSchema = z.strictObject({
  port: z.int(),
  redisUrl: z.string(),
  dataDir: z.string(),
  slots: z.array(ingestSlotSchema),
  builtIn: z.array(z.strictObject({ id: z.string(), name: z.string(), demo: z.boolean() })),
  playbackBaseUrl: z.string(),
  playbackTtlMs: z.number().optional(),
});
export type ApiConfig = z.output<typeof apiConfigSchema>;

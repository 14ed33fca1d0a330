/** A child process of the origin bench: many clients, each with one connection. */
import { z } from 'zod';
import { PartClient } from './origin-load-parts.ts';
import type { Sample } from './origin-load-sample.ts';
import { SegmentClient } from './origin-load-segments.ts';

const orderSchema = z.object({
  port: z.int(),
  clientCount: z.int(),
  asks: z.enum(['parts', 'segments']),
  warmUpMs: z.int(),
  durationMs: z.int(),
});

const sample: Sample = {
  isMeasured: false,
  playlistMs: [],
  partMs: [],
  partAnswerMs: [],
  errorCount: 0,
  jumpCount: 0,
};

process.once('message', (message) => {
  const { port, clientCount, asks, warmUpMs, durationMs } = orderSchema.parse(message);
  const Client = asks === 'parts' ? PartClient : SegmentClient;
  const clients = Array.from({ length: clientCount }, () => new Client(port, sample));
  let cpuBefore = process.cpuUsage();
  setTimeout(() => {
    sample.isMeasured = true;
    cpuBefore = process.cpuUsage();
    process.send?.({ phase: 'measuring' });
  }, warmUpMs);
  setTimeout(() => {
    sample.isMeasured = false;
    const { user, system } = process.cpuUsage(cpuBefore);
    process.send?.({ phase: 'done', ...sample, cpuMs: (user + system) / 1000 });
    setTimeout(() => {
      for (const client of clients) client.close();
      process.exit(0);
    }, 1_000);
  }, warmUpMs + durationMs);
});
process.on('disconnect', () => process.exit(0));

/** A child process of the origin bench: many clients, each with one connection. */
import { z } from 'zod';
import { MAX_PARTS_BEHIND, PartClient } from './origin-load-parts.ts';
import { Durations, type Sample } from './origin-load-sample.ts';
import { PARTS_PER_SECOND, SegmentClient } from './origin-load-segments.ts';

const orderSchema = z.object({
  host: z.string(),
  port: z.int(),
  clientCount: z.int(),
  asks: z.enum(['parts', 'segments']),
  warmUpMs: z.int(),
  durationMs: z.int(),
});

process.once('message', (message) => {
  const { host, port, clientCount, asks, warmUpMs, durationMs } = orderSchema.parse(message);
  // Who was behind when measuring began may come to more parts than those of the time.
  const partCountMax = (durationMs / 1000) * PARTS_PER_SECOND + 2 * MAX_PARTS_BEHIND;
  const durations = () => new Durations(Math.ceil(clientCount * partCountMax));
  const sample: Sample = {
    isMeasured: false,
    playlistMs: durations(),
    partMs: durations(),
    partAnswerMs: durations(),
    errorCount: 0,
    jumpCount: 0,
  };
  const Client = asks === 'parts' ? PartClient : SegmentClient;
  const clients = Array.from({ length: clientCount }, () => new Client({ host, port }, sample));
  let cpuBefore = process.cpuUsage();
  setTimeout(() => {
    sample.isMeasured = true;
    cpuBefore = process.cpuUsage();
    process.send?.({ phase: 'measuring' });
  }, warmUpMs);
  setTimeout(() => {
    sample.isMeasured = false;
    const { user, system } = process.cpuUsage(cpuBefore);
    process.send?.({
      phase: 'done',
      ...sample,
      playlistMs: sample.playlistMs.toArray(),
      partMs: sample.partMs.toArray(),
      partAnswerMs: sample.partAnswerMs.toArray(),
      cpuMs: (user + system) / 1000,
    });
    setTimeout(() => {
      for (const client of clients) client.close();
      process.exit(0);
    }, 1_000);
  }, warmUpMs + durationMs);
});
process.on('disconnect', () => process.exit(0));

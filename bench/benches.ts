/** All benches, in the order in which they run. */
import { glassToGlassBenches } from './glass-to-glass.bench.ts';
import type { Bench } from './result.ts';

export const BENCHES: readonly Bench[] = [...glassToGlassBenches];

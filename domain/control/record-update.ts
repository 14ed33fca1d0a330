/** Changes to a record by many writers at once: read, change, replace when nobody else did. */
import type { StreamRegistry } from './registry.ts';
import type { StreamRecord } from './stream-record.ts';

/** More than the writers that one stream can have at a time (API, reports, events, reconciler). */
export const RECORD_UPDATE_TRIES_MAX = 16;

export type RecordUpdate =
  | { readonly kind: 'updated'; readonly record: StreamRecord }
  /** `change` wanted nothing changed. */
  | { readonly kind: 'unchanged'; readonly record: StreamRecord }
  | { readonly kind: 'not-found' }
  /** Somebody else was faster every time. */
  | { readonly kind: 'contended' };

/** @param change the new record, or undefined to leave it; called again for each try. */
export async function updateRecord(
  registry: Pick<StreamRegistry, 'getStream' | 'replaceStream'>,
  streamId: string,
  change: (record: StreamRecord) => StreamRecord | undefined,
): Promise<RecordUpdate> {
  for (let tryIndex = 0; tryIndex < RECORD_UPDATE_TRIES_MAX; tryIndex++) {
    const current = await registry.getStream(streamId);
    if (!current) return { kind: 'not-found' };
    const changed = change(current.record);
    if (!changed) return { kind: 'unchanged', record: current.record };
    if ((await registry.replaceStream(changed, current.revision)) === 'replaced')
      return { kind: 'updated', record: changed };
  }
  return { kind: 'contended' };
}

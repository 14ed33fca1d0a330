/** A state in a word, with a colour that repeats what the word says. */
import type { Health } from './health.ts';

export function StateBadge({ health }: { readonly health: Health | undefined }) {
  return (
    <span class="badge" data-tone={health?.tone ?? 'quiet'}>
      {health?.badge ?? '…'}
    </span>
  );
}

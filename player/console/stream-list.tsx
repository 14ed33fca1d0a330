/** All streams, those that need a look marked. */
import { useState } from 'preact/hooks';
import type { Filter } from './console-state.ts';
import { CreateDialog } from './create-dialog.tsx';
import { useConsole } from './state-context.ts';
import { StreamRow } from './stream-row.tsx';

const FILTERS: readonly { readonly value: Filter; readonly label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'running', label: 'Running' },
  { value: 'idle', label: 'Not running' },
  { value: 'attention', label: 'Need a look' },
];

/** From here on a machine has nothing to spare. */
const CROWDED_SHARE = 0.95;

export function StreamList() {
  const state = useConsole();
  const [isCreating, setCreating] = useState(false);
  const streams = state.streams.value;
  const shown = state.shownStreams.value;
  const hosts = state.capacity.value?.hosts;
  const isCrowded = hosts?.kind === 'machine' && hosts.loadShare >= CROWDED_SHARE;
  return (
    <>
      <div class="list-head">
        <h2>Streams</h2>
        <fieldset class="filters">
          <legend class="unseen">Show</legend>
          {FILTERS.map(({ value, label }) => (
            <button
              key={value}
              type="button"
              aria-pressed={state.filter.value === value}
              onClick={() => state.show(value)}
            >
              {label}
              {value === 'attention' && state.attentionCount.value > 0 && (
                <span class="count">{state.attentionCount.value}</span>
              )}
            </button>
          ))}
        </fieldset>
        <input
          type="search"
          class="search"
          placeholder="Name or id"
          aria-label="Search by name or id"
          value={state.search.value}
          onInput={(event) => state.find(event.currentTarget.value)}
        />
        <button type="button" class="primary" aria-haspopup="dialog" onClick={() => setCreating(true)}>
          New stream
        </button>
      </div>
      {isCrowded && (
        <p class="crowded-words">
          The CPUs of this machine are fully busy: frames that are repeated or dropped may be its fault, not
          the feeds'.
        </p>
      )}
      {streams && shown.length === 0 && (
        <p class="empty">
          {streams.length === 0
            ? 'There are no streams yet. Make the first one with "New stream".'
            : 'None of the streams is like that.'}
        </p>
      )}
      <ul class="streams">
        {shown.map((stream) => (
          <StreamRow key={stream.id} stream={stream} />
        ))}
      </ul>
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </>
  );
}

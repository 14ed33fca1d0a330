/** Which feeds are on the wall, and in which order. */
import type { StreamSummary } from '../pane-words.ts';
import { PANES_MAX } from '../wall-choice.ts';
import { Dialog } from './dialog.tsx';
import { ShapeIcon } from './icons.tsx';
import type { PlayerState } from './player-state.ts';

export function FeedsDialog({ state }: { readonly state: PlayerState }) {
  const ids = state.ids.value;
  const others = state.streams.filter(({ id }) => !ids.includes(id));
  const focusId = state.focusId.value;
  const full = ids.length >= PANES_MAX && focusId !== undefined;
  return (
    <Dialog title="Feeds" name="feeds" onClose={() => state.showDialog('none')}>
      <h3>
        On the wall, {ids.length} of {PANES_MAX}
      </h3>
      {ids.length === 0 && <p>None yet.</p>}
      <ol class="feed-list">
        {ids.map((id, index) => (
          <OnWall key={id} state={state} id={id} isFirst={index === 0} isLast={index === ids.length - 1} />
        ))}
      </ol>
      {others.length > 0 && <h3>Others</h3>}
      <ul class="feed-list">
        {others.map((stream) => (
          <li key={stream.id} data-feed={stream.id}>
            <FeedName stream={stream} />
            <button type="button" class="act" onClick={() => state.putOn(stream.id)}>
              {full ? `Put in place of ${state.nameOf(focusId)}` : 'Put on'}
              <span class="unseen">: {stream.name}</span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function OnWall(props: {
  readonly state: PlayerState;
  readonly id: string;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}) {
  const { state, id, isFirst, isLast } = props;
  const name = state.nameOf(id);
  return (
    <li data-feed={id}>
      <FeedName stream={state.streams.find((stream) => stream.id === id) ?? { id, name, state: '' }} />
      <button
        type="button"
        class="tool"
        disabled={isFirst}
        aria-label={`Move ${name} forward`}
        onClick={() => state.move(id, -1)}
      >
        <ShapeIcon shape="up" />
      </button>
      <button
        type="button"
        class="tool"
        disabled={isLast}
        aria-label={`Move ${name} back`}
        onClick={() => state.move(id, 1)}
      >
        <ShapeIcon shape="down" />
      </button>
      <button type="button" class="act" onClick={() => state.takeOff(id)}>
        Take off<span class="unseen">: {name}</span>
      </button>
    </li>
  );
}

/** As the API names the states, in a viewer's words. Premium streams tell theirs in their panes. */
const STATE_WORDS: Readonly<Record<string, string>> = {
  created: 'not started',
  starting: 'starting',
  waiting: 'waiting',
  live: 'live',
  interrupted: 'signal lost',
  stopping: 'ended',
  stopped: 'ended',
  failed: 'failed',
};

function FeedName({ stream }: { readonly stream: StreamSummary }) {
  return (
    <span class="feed-name">
      {stream.name} <span class="feed-state">{STATE_WORDS[stream.state] ?? ''}</span>
    </span>
  );
}

/** One stream of the list. */
import type { ListedStream } from '../../domain/control/api.ts';
import { hasPictures } from './console-state.ts';
import { hashOf } from './route.ts';
import { StateBadge } from './state-badge.tsx';
import { useConsole } from './state-context.ts';
import { StreamActions } from './stream-actions.tsx';
import { StreamNumbers } from './stream-numbers.tsx';
import { Thumbnail } from './thumbnail.tsx';

export function StreamRow({ stream }: { readonly stream: ListedStream }) {
  const state = useConsole();
  const health = state.health.value.get(stream.id);
  const href = hashOf({ view: 'stream', streamId: stream.id });
  return (
    <li class="stream card" data-stream={stream.id} data-tone={health?.tone} data-state={stream.state}>
      <Thumbnail streamId={stream.id} name={stream.name} hasMedia={hasPictures(stream.state)} />
      <div class="stream-what">
        <h3>
          <a href={href}>{stream.name}</a>
        </h3>
        <p class="quiet">
          <code>{stream.id}</code> · {stream.access}
          {stream.record && ' · recorded'}
        </p>
        <StateBadge health={health} />
        {health?.words && <p class="reason">{health.words}</p>}
      </div>
      <StreamNumbers stream={stream} health={health} />
      <StreamActions stream={stream} />
    </li>
  );
}

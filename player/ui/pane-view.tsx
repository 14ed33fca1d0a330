/** What is drawn around one pane's picture: name, state, latency, sound, and words where there is no picture. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { PaneRect } from '../layout.ts';
import type { Pane } from '../pane.ts';
import { paneWords, type StreamSummary } from '../pane-words.ts';
import { reachableUrl } from '../reachable.ts';
import type { SoundState } from '../wall.ts';
import { copied } from './clipboard.ts';
import { GestureReader } from './gestures.ts';
import { ShapeIcon, SpeakerIcon } from './icons.tsx';
import { LastPicture } from './last-picture.tsx';
import type { PlayerState } from './player-state.ts';

export interface PaneViewProps {
  readonly state: PlayerState;
  readonly pane: Pane;
  readonly stream: StreamSummary | undefined;
  readonly sound: SoundState;
  /** It is to be heard, and the browser waits for a click. */
  readonly needsClick: boolean;
  readonly rect: PaneRect;
  /** The number key that hears it. */
  readonly keyNumber: number;
  readonly focused: boolean;
  readonly large: boolean;
}

const COPIED_SHOWN_MS = 2_000;
const DRAGGED_TYPE = 'application/x-mirror-feed';

/** From glass to glass where the camera tells when it captured, else since the feed came in. */
function latencyOf({ glassToGlassMs, latencyMs }: Pane): { ms: number; title: string } | undefined {
  if (glassToGlassMs !== undefined)
    return { ms: glassToGlassMs, title: 'How long ago the camera captured the shown picture' };
  return latencyMs === undefined
    ? undefined
    : { ms: latencyMs, title: 'How long ago the shown picture was taken in' };
}

export function PaneView(props: PaneViewProps) {
  const { state, pane, stream, sound, needsClick, rect, keyNumber, focused, large } = props;
  const id = pane.streamId;
  const name = stream?.name ?? id;
  const words = paneWords(pane.phase, stream, pane.problem);
  const latency = pane.phase === 'playing' ? latencyOf(pane) : undefined;
  const ingestUrl = stream?.state === 'waiting' ? stream.ingestUrl : undefined;
  const classes = ['pane', ...(sound === 'off' ? [] : ['audible']), ...(focused ? ['focused'] : [])];
  return (
    <section
      class={classes.join(' ')}
      data-stream={id}
      aria-label={name}
      style={{
        left: `${rect.leftPx}px`,
        top: `${rect.topPx}px`,
        width: `${rect.widthPx}px`,
        height: `${rect.heightPx}px`,
      }}
    >
      <div class="picture">
        <Screen media={pane.media} />
        <LastPicture phase={pane.phase} media={pane.media} />
        {words.message !== undefined && (
          <div class="place">
            <p class="message">{words.message}</p>
            {ingestUrl !== undefined && <OwnFeed url={reachableUrl(ingestUrl, location.hostname)} />}
          </div>
        )}
        {pane.captionText !== '' && <p class="captions">{pane.captionText}</p>}
        {needsClick && <p class="click-for-sound">Click for sound</p>}
        <SelectButton state={state} id={id} name={name} badge={words.badge} focused={focused} />
      </div>
      <div class="caption" draggable onDragStart={(event) => event.dataTransfer?.setData(DRAGGED_TYPE, id)}>
        <span class="pane-name">{name}</span>
        <span class="badge" data-tone={words.tone}>
          {words.badge}
        </span>
        {latency && (
          <span class="latency" title={latency.title}>
            {(latency.ms / 1000).toFixed(2)} s
          </span>
        )}
        <button
          type="button"
          class="sound"
          data-sound={sound}
          aria-pressed={sound !== 'off'}
          aria-label={`Sound of ${name}`}
          title={`Hear this feed (key ${keyNumber})`}
          onClick={() => state.toggleSound(id)}
        >
          <SpeakerIcon />
        </button>
        <button
          type="button"
          class="enlarge"
          aria-pressed={large}
          aria-label={`Enlarge ${name}`}
          title={large ? 'Back to the grid (Enter)' : 'Enlarge (Enter)'}
          onClick={() => state.enlarge(id)}
        >
          <ShapeIcon shape={large ? 'shrink' : 'enlarge'} />
        </button>
      </div>
    </section>
  );
}

/** The pane's own element, which lives as long as the pane does and is never made by a redraw. */
function Screen({ media }: { readonly media: HTMLMediaElement }) {
  const placeRef = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => placeRef.current?.replaceChildren(media), [media]);
  return <div class="screen" ref={placeRef} />;
}

/** The whole picture is one button: a click hears it, a second one enlarges it, a stroke turns the page. */
function SelectButton(props: {
  readonly state: PlayerState;
  readonly id: string;
  readonly name: string;
  readonly badge: string;
  readonly focused: boolean;
}) {
  const { state, id, name, badge, focused } = props;
  const [reader] = useState(() => new GestureReader());
  const byTouchRef = useRef(false);
  const touch = (event: PointerEvent) => ({
    atMs: event.timeStamp,
    xPx: event.clientX,
    yPx: event.clientY,
  });
  return (
    <button
      type="button"
      class="select"
      aria-pressed={focused}
      aria-label={`${name}, ${badge}`}
      onClick={(event) => {
        // The second click of two belongs to the double click.
        if (event.detail <= 1) state.hear(id);
      }}
      onDblClick={() => {
        // Not all browsers make two taps a double click: those are read below.
        if (!byTouchRef.current) state.enlarge(id);
      }}
      onPointerDown={(event) => {
        byTouchRef.current = event.pointerType === 'touch';
        if (byTouchRef.current) reader.down(touch(event));
      }}
      onPointerCancel={() => reader.cancel()}
      onDragOver={(event) => {
        if (event.dataTransfer?.types.includes(DRAGGED_TYPE)) event.preventDefault();
      }}
      onDrop={(event) => {
        event.preventDefault();
        const dragged = event.dataTransfer?.getData(DRAGGED_TYPE) ?? '';
        if (state.ids.value.includes(dragged)) state.swap(dragged, id);
      }}
      onPointerUp={(event) => {
        const gesture = byTouchRef.current ? reader.up(touch(event)) : undefined;
        if (gesture === 'swipe-left') state.focusStep(1);
        else if (gesture === 'swipe-right') state.focusStep(-1);
        else if (gesture === 'double-tap') state.enlarge(id);
      }}
    />
  );
}

function OwnFeed({ url }: { readonly url: string }) {
  const textRef = useRef<HTMLElement>(null);
  const [said, setSaid] = useState('Copy');
  const say = (text: string) => {
    setSaid(text);
    setTimeout(() => setSaid('Copy'), COPIED_SHOWN_MS);
  };
  const copy = async () => {
    const isCopied = await copied(url);
    // Without permission for the clipboard the text is selected, ready for the person's own copy command.
    if (!isCopied && textRef.current) getSelection()?.selectAllChildren(textRef.current);
    say(isCopied ? 'Copied' : 'Press Ctrl+C');
  };
  return (
    <div class="own-feed">
      <code class="ingest" ref={textRef}>
        {url}
      </code>
      <button type="button" class="copy" onClick={() => void copy()}>
        {said}
      </button>
    </div>
  );
}

/** The panes in their places. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { focusRects, gridRects, type PaneRect, verticalNeighbour } from '../layout.ts';
import type { Pane } from '../pane.ts';
import type { Wall } from '../wall.ts';
import type { LayoutName } from '../wall-choice.ts';
import { ShapeIcon } from './icons.tsx';
import { PaneView } from './pane-view.tsx';
import type { PlayerState } from './player-state.ts';

export interface WallViewProps {
  readonly state: PlayerState;
  readonly wall: Pick<Wall, 'panes' | 'sound' | 'streamOf' | 'soundOf'>;
}

interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Between two panes, and the line below each picture, in root ems: they grow with the text. As pane.css. */
const GAP_REM = 0.5;
const CAPTION_REM = 2;

export function WallView({ state, wall }: WallViewProps) {
  const rootRef = useRef<HTMLElement>(null);
  const size = useSize(rootRef);
  // The wall tells when its numbers have moved.
  void state.tick.value;
  const { panes } = wall;
  const focusId = state.focusId.value;
  const focusIndex = panes.findIndex(({ streamId }) => streamId === focusId);
  const placeCount = panes.length + state.emptyPlaceCount;
  const rects = size ? rectsOf(state.layout, placeCount, focusIndex, size) : [];
  return (
    <main class="grid" ref={rootRef} data-layout={state.layout} aria-label="Feeds">
      {panes.map((pane, index) => {
        const rect = rects[index];
        return (
          rect && (
            <PaneView
              key={keyOf(pane)}
              state={state}
              pane={pane}
              stream={wall.streamOf(pane.streamId)}
              sound={wall.soundOf(pane.streamId)}
              needsClick={wall.sound?.streamId === pane.streamId && wall.sound.needsClick}
              rect={rect}
              keyNumber={state.ids.value.indexOf(pane.streamId) + 1}
              focused={pane.streamId === focusId}
              large={state.layout === 'focus' && pane.streamId === focusId}
            />
          )
        );
      })}
      {rects.slice(panes.length).map((rect, index) => (
        <EmptyPlace key={`empty-${index}`} state={state} rect={rect} />
      ))}
    </main>
  );
}

/** Moves the focus to the pane above or below, as far as there is one. */
export function focusVertically(root: HTMLElement, state: PlayerState, direction: 'up' | 'down'): void {
  const { clientWidth: widthPx, clientHeight: heightPx } = root;
  const ids = state.shownIds.value;
  const index = ids.indexOf(state.focusId.value ?? '');
  const rects = rectsOf(state.layout, ids.length + state.emptyPlaceCount, index, { widthPx, heightPx });
  const neighbour = verticalNeighbour(rects.slice(0, ids.length), index, direction);
  const id = neighbour === undefined ? undefined : ids[neighbour];
  if (id !== undefined) state.focus(id);
}

function rectsOf(
  layout: LayoutName,
  count: number,
  focusIndex: number,
  { widthPx, heightPx }: Size,
): readonly PaneRect[] {
  const remPx = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const room = { widthPx, heightPx, gapPx: GAP_REM * remPx, captionPx: CAPTION_REM * remPx };
  return layout === 'focus' ? focusRects(count, Math.max(0, focusIndex), room) : gridRects(count, room);
}

function useSize(elementRef: { readonly current: HTMLElement | null }): Size | undefined {
  const [size, setSize] = useState<Size | undefined>(undefined);
  useEffect(() => {
    const { current } = elementRef;
    if (!current) return undefined;
    const observer = new ResizeObserver(() =>
      setSize({ widthPx: current.clientWidth, heightPx: current.clientHeight }),
    );
    observer.observe(current);
    return () => observer.disconnect();
  }, [elementRef]);
  return size;
}

/** A feed that comes back has a new pane with a new element, and must not take over the view of the old one. */
const keys = new WeakMap<Pane, string>();
let keyCount = 0;

function keyOf(pane: Pane): string {
  const known = keys.get(pane);
  if (known !== undefined) return known;
  keyCount += 1;
  const key = `pane-${keyCount}`;
  keys.set(pane, key);
  return key;
}

function EmptyPlace({ state, rect }: { readonly state: PlayerState; readonly rect: PaneRect }) {
  return (
    <button
      type="button"
      class="empty-place"
      style={{
        left: `${rect.leftPx}px`,
        top: `${rect.topPx}px`,
        width: `${rect.widthPx}px`,
        height: `${rect.heightPx}px`,
      }}
      onClick={() => state.showDialog('feeds')}
    >
      <ShapeIcon shape="feeds" />
      Put a feed here
    </button>
  );
}

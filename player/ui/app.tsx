/** The whole page. */
import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Wall } from '../wall.ts';
import { characterKeys } from './character-keys.ts';
import { FeedsDialog } from './feeds-dialog.tsx';
import { HelpDialog } from './help-dialog.tsx';
import { type KeyAction, keyAction } from './keys.ts';
import type { PlayerState } from './player-state.ts';
import { ScreenActions } from './screen-actions.ts';
import { StatsPanel } from './stats-panel.tsx';
import { Toolbar } from './toolbar.tsx';
import { focusVertically, WallView } from './wall-view.tsx';

export interface AppProps {
  readonly state: PlayerState;
  readonly wall: Wall;
}

export function drawApp(root: HTMLElement, { state, wall }: AppProps): void {
  root.replaceChildren();
  render(<App state={state} wall={wall} />, root);
}

function App({ state, wall }: AppProps) {
  const stageRef = useRef<HTMLDivElement>(null);
  const [screen] = useState(
    () =>
      new ScreenActions({
        state,
        paneOf: (id) => wall.panes.find(({ streamId }) => streamId === id),
        stage: () => stageRef.current,
      }),
  );
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const action = keyAction({
        key: event.key,
        shiftKey: event.shiftKey,
        modified: event.ctrlKey || event.metaKey || event.altKey,
        inControl: takesKeys(event.target),
        characters: characterKeys.value,
      });
      if (!action || state.dialog.value !== 'none') return;
      event.preventDefault();
      act(action, state, screen, stageRef.current);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [state, screen]);
  return (
    <>
      <Toolbar state={state} wall={wall} screen={screen} />
      <Note state={state} />
      <div class="stage" ref={stageRef}>
        <WallView state={state} wall={wall} />
        {state.statsShown.value && <StatsPanel state={state} wall={wall} />}
      </div>
      {state.dialog.value === 'feeds' && <FeedsDialog state={state} />}
      {state.dialog.value === 'help' && <HelpDialog state={state} />}
    </>
  );
}

function Note({ state }: { readonly state: PlayerState }) {
  return <output class="note">{state.note}</output>;
}

function act(action: KeyAction, state: PlayerState, screen: ScreenActions, stage: HTMLElement | null): void {
  const focusId = state.focusId.value;
  const grid = stage?.querySelector<HTMLElement>('.grid');
  switch (action.kind) {
    case 'hear': {
      const id = state.ids.value[action.index];
      if (id !== undefined) state.toggleSound(id);
      return;
    }
    case 'focus-step':
      state.focusStep(action.step);
      return showFocus(state, grid);
    case 'focus-vertical':
      if (grid) focusVertically(grid, state, action.direction);
      return showFocus(state, grid);
    case 'move':
      if (focusId !== undefined) state.move(focusId, action.step);
      return showFocus(state, grid);
    case 'enlarge':
      if (focusId !== undefined) state.enlarge(focusId);
      return;
    case 'mute':
      if (focusId !== undefined) state.toggleSound(focusId);
      return;
    case 'captions':
      return state.toggleCaptions();
    case 'cycle-layout':
      return state.cycleLayout();
    case 'statistics':
      return state.toggleStats();
    case 'feeds':
    case 'help':
      return state.showDialog(action.kind);
    case 'fullscreen':
      return screen.fullscreen();
    case 'picture-in-picture':
      return screen.pictureInPicture();
  }
}

/** The browser's focus goes with the page's, once the views have followed. */
function showFocus(state: PlayerState, grid: HTMLElement | null | undefined): void {
  requestAnimationFrame(() => {
    const pane = grid?.querySelector(`[data-stream="${CSS.escape(state.focusId.value ?? '')}"]`);
    pane?.querySelector<HTMLElement>('.select')?.focus();
  });
}

/** Buttons have Enter and the arrows for themselves, except for the pictures. */
function takesKeys(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest('button:not(.select), input, select, a, dialog') !== null
  );
}

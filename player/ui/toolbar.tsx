/** The line above the panes: what the page is, how the feeds are doing, and the buttons. */
import type { ComponentChildren } from 'preact';
import { DELIVERY_MODES, type DeliveryMode, deliveryNamed } from '../delivery.ts';
import type { Wall } from '../wall.ts';
import { LAYOUTS, type LayoutName } from '../wall-choice.ts';
import { LayoutIcon, ShapeIcon } from './icons.tsx';
import type { PlayerState } from './player-state.ts';
import type { ScreenActions } from './screen-actions.ts';
import { theme, toggleTheme } from './theme.ts';

const LAYOUT_WORDS: Readonly<Record<LayoutName, string>> = {
  auto: 'Auto: a place for each feed',
  '1': 'One at a time',
  '2': 'Two at a time',
  '3': 'Three at a time',
  '4': 'Four at a time',
  '6': 'Six places',
  focus: 'One large, the others small',
};

export interface ToolbarProps {
  readonly state: PlayerState;
  readonly wall: Pick<Wall, 'panes' | 'skewMs' | 'captionsShown'>;
  readonly screen: ScreenActions;
}

export function Toolbar({ state, wall, screen }: ToolbarProps) {
  return (
    <header>
      <h1>mirror</h1>
      <Numbers state={state} wall={wall} />
      <fieldset class="layouts" aria-label="Layout">
        {LAYOUTS.map((layout) => (
          <button
            key={layout}
            type="button"
            class="tool"
            data-layout={layout}
            aria-pressed={state.layout === layout}
            aria-label={LAYOUT_WORDS[layout]}
            title={LAYOUT_WORDS[layout]}
            onClick={() => state.setLayout(layout)}
          >
            {layout === 'auto' ? 'Auto' : <LayoutIcon layout={layout} />}
          </button>
        ))}
      </fieldset>
      <div class="tools">
        <Tool
          words="Feeds"
          title="Feeds: put on, take off, move (A)"
          onClick={() => state.showDialog('feeds')}
        >
          <ShapeIcon shape="feeds" />
          <span class="tool-words">Feeds</span>
        </Tool>
        <Tool
          words="Statistics"
          title="Statistics (S)"
          pressed={state.statsShown.value}
          onClick={() => state.toggleStats()}
        >
          <ShapeIcon shape="statistics" />
        </Tool>
        <CaptionsSwitch state={state} wall={wall} />
        <Tool
          words="Picture in picture"
          title="Picture in picture (P)"
          onClick={() => screen.pictureInPicture()}
        >
          <ShapeIcon shape="pictureInPicture" />
        </Tool>
        <Tool words="Full screen" title="Full screen (F)" onClick={() => screen.fullscreen()}>
          <ShapeIcon shape="fullscreen" />
        </Tool>
        <DeliverySelect state={state} />
        <ThemeSwitch />
        <Tool words="Keys" title="Keys (?)" onClick={() => state.showDialog('help')}>
          <ShapeIcon shape="help" />
        </Tool>
      </div>
    </header>
  );
}

function CaptionsSwitch({ state, wall }: Omit<ToolbarProps, 'screen'>) {
  // The wall tells when they have come on.
  void state.tick.value;
  return (
    <Tool
      words="Captions"
      title="Captions, where a feed has some (C)"
      pressed={wall.captionsShown}
      onClick={() => state.toggleCaptions()}
    >
      <ShapeIcon shape="captions" />
    </Tool>
  );
}

const DELIVERY_WORDS: Readonly<Record<DeliveryMode, string>> = {
  'lowest-latency': 'Fastest',
  balanced: 'Balanced',
  economy: 'Economy',
};

/** How soon pictures come, against how much is asked for. */
function DeliverySelect({ state }: { readonly state: PlayerState }) {
  return (
    <select
      class="delivery"
      aria-label="Delivery"
      title="Fastest: well under a second behind. Balanced: about 1 s. Economy: about 2 s, with the fewest requests."
      value={state.delivery}
      onChange={(event) => state.setDelivery(deliveryNamed(event.currentTarget.value) ?? state.delivery)}
    >
      {DELIVERY_MODES.map((mode) => (
        <option key={mode} value={mode}>
          {DELIVERY_WORDS[mode]}
        </option>
      ))}
    </select>
  );
}

/** Dark or light, for every page. */
export function ThemeSwitch() {
  const isLight = theme.value === 'light';
  return (
    <Tool
      words="Light colours"
      title={isLight ? 'Dark colours' : 'Light colours'}
      pressed={isLight}
      onClick={toggleTheme}
    >
      <ShapeIcon shape={isLight ? 'moon' : 'sun'} />
    </Tool>
  );
}

function Tool(props: {
  readonly words: string;
  readonly title: string;
  readonly pressed?: boolean;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}) {
  const { words, title, pressed, onClick, children } = props;
  return (
    <button
      type="button"
      class="tool"
      aria-label={words}
      title={title}
      onClick={onClick}
      {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
    >
      {children}
    </button>
  );
}

function Numbers({ state, wall }: Omit<ToolbarProps, 'screen'>) {
  void state.tick.value;
  const playing = wall.panes.filter((pane) => pane.phase === 'playing');
  const latenciesMs = playing.flatMap((pane) => pane.glassToGlassMs ?? pane.latencyMs ?? []);
  if (latenciesMs.length === 0) return <p class="numbers" />;
  const worstS = Math.max(...latenciesMs) / 1000;
  return (
    <p class="numbers">
      {playing.length} live · {worstS.toFixed(2)} s behind
      {playing.length > 1 && ` · ${Math.round(wall.skewMs)} ms apart`}
    </p>
  );
}

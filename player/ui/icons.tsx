/** Small drawings for buttons. The words beside or on the button say what it does; these are decoration. */
import type { ComponentChildren } from 'preact';
import type { LayoutName } from '../wall-choice.ts';

function Icon({ children }: { readonly children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      {children}
    </svg>
  );
}

/** The waves show while there is sound, the cross while there is none (pane.css). */
export function SpeakerIcon() {
  return (
    <Icon>
      <path class="body" d="M3 7.5h3L10 4v12l-4-3.5H3z" />
      <path class="waves" d="M12.5 7.5a3.5 3.5 0 0 1 0 5M14.8 5.2a6.8 6.8 0 0 1 0 9.6" />
      <path class="cross" d="M12.8 8l4 4M16.8 8l-4 4" />
    </Icon>
  );
}

const SHAPES = {
  enlarge: 'M12 3h5v5M8 17H3v-5M17 3l-5.5 5.5M3 17l5.5-5.5',
  shrink: 'M17 8h-5V3M3 12h5v5M12 8l5-5M8 12l-5 5',
  feeds: 'M3 5h14M3 10h14M3 15h8M15 12.5v5M12.5 15h5',
  fullscreen: 'M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4',
  pictureInPicture: 'M2.5 4.5h15v11h-15zM10.5 9.5h5v4h-5z',
  captions: 'M2.5 4.5h15v11h-15zM8.5 8.6a1.9 1.9 0 1 0 0 2.8M14.5 8.6a1.9 1.9 0 1 0 0 2.8',
  statistics: 'M3 16V9M8 16V4M13 16v-5M17.5 16V7',
  sun: 'M10 6.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6L16 16M16 4l-1.4 1.4M5.4 14.6L4 16',
  moon: 'M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7z',
  help: 'M7 7.5a3 3 0 1 1 4.4 2.6c-.9.5-1.4 1-1.4 2.1M10 15.2v.3',
  close: 'M5 5l10 10M15 5L5 15',
  up: 'M5 12l5-5 5 5',
  down: 'M5 8l5 5 5-5',
} as const;

export function ShapeIcon({ shape }: { readonly shape: keyof typeof SHAPES }) {
  return (
    <Icon>
      <path d={SHAPES[shape]} />
    </Icon>
  );
}

const LAYOUT_SHAPES: Readonly<Record<LayoutName, string>> = {
  auto: '',
  '1': 'M2 4h16v12H2z',
  '2': 'M2 6h7.3v8H2zM10.7 6H18v8h-7.3z',
  '3': 'M2 3h7.3v6.3H2zM10.7 3H18v6.3h-7.3zM6.3 10.7h7.4V17H6.3z',
  '4': 'M2 3h7.3v6.3H2zM10.7 3H18v6.3h-7.3zM2 10.7h7.3V17H2zM10.7 10.7H18V17h-7.3z',
  '6': 'M2 4h4.5v5.3H2zM7.8 4h4.5v5.3H7.8zM13.5 4H18v5.3h-4.5zM2 10.7h4.5V16H2zM7.8 10.7h4.5V16H7.8zM13.5 10.7H18V16h-4.5z',
  focus: 'M2 3.5h11.5v13H2zM15 3.5h3V7h-3zM15 8.3h3v3.4h-3zM15 13h3v3.5h-3z',
};

export function LayoutIcon({ layout }: { readonly layout: LayoutName }) {
  return (
    <Icon>
      <path class="body" d={LAYOUT_SHAPES[layout]} />
    </Icon>
  );
}

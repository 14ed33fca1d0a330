/** What each key does. Pure, so that the list that is shown and what is done cannot drift apart. */

export type KeyAction =
  | { readonly kind: 'hear'; readonly index: number }
  | { readonly kind: 'focus-step'; readonly step: 1 | -1 }
  | { readonly kind: 'focus-vertical'; readonly direction: 'up' | 'down' }
  | { readonly kind: 'move'; readonly step: 1 | -1 }
  | {
      readonly kind:
        | 'enlarge'
        | 'cycle-layout'
        | 'mute'
        | 'captions'
        | 'fullscreen'
        | 'picture-in-picture'
        | 'statistics'
        | 'feeds'
        | 'help';
    };

export interface KeyPress {
  readonly key: string;
  readonly shiftKey: boolean;
  /** Of Control, Alt and Meta: combinations with them belong to the browser. */
  readonly modified: boolean;
  /** True while the focus is in something that takes keys itself, such as a button, a list or a dialog. */
  readonly inControl: boolean;
  /** False once the person has switched letters and numbers off (WCAG 2.2, 2.1.4). */
  readonly characters: boolean;
}

const LETTERS: Readonly<Record<string, KeyAction>> = {
  l: { kind: 'cycle-layout' },
  m: { kind: 'mute' },
  c: { kind: 'captions' },
  f: { kind: 'fullscreen' },
  p: { kind: 'picture-in-picture' },
  s: { kind: 'statistics' },
  a: { kind: 'feeds' },
  '?': { kind: 'help' },
};

/** As the help shows them. */
export const KEY_HELP: readonly { readonly keys: readonly string[]; readonly does: string }[] = [
  { keys: ['1', '…', '6'], does: 'Hear that pane; again to silence it' },
  { keys: ['←', '→', '↑', '↓'], does: 'Move the focus' },
  { keys: ['Enter'], does: 'Enlarge the pane with the focus, and back' },
  { keys: ['Shift', '← →'], does: 'Move the pane with the focus' },
  { keys: ['L'], does: 'Next layout' },
  { keys: ['M'], does: 'Sound of the focus on or off' },
  { keys: ['C'], does: 'Captions on or off, where a feed has some' },
  { keys: ['F'], does: 'Full screen' },
  { keys: ['P'], does: 'Picture in picture' },
  { keys: ['S'], does: 'Statistics' },
  { keys: ['A'], does: 'Feeds: put on, take off, move' },
  { keys: ['?'], does: 'These keys' },
];

/** @returns undefined for a key that means nothing here. */
export function keyAction({
  key,
  shiftKey,
  modified,
  inControl,
  characters,
}: KeyPress): KeyAction | undefined {
  if (modified) return undefined;
  const letter = LETTERS[key.toLowerCase()];
  if (letter) return characters ? letter : undefined;
  if (/^[1-6]$/.test(key)) return characters ? { kind: 'hear', index: Number(key) - 1 } : undefined;
  if (inControl) return undefined;
  if (key === 'Enter') return { kind: 'enlarge' };
  if (key === 'ArrowLeft' || key === 'ArrowRight') {
    const step = key === 'ArrowRight' ? 1 : -1;
    return shiftKey ? { kind: 'move', step } : { kind: 'focus-step', step };
  }
  if (key === 'ArrowUp' || key === 'ArrowDown')
    return { kind: 'focus-vertical', direction: key === 'ArrowUp' ? 'up' : 'down' };
  return undefined;
}

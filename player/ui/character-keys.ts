/**
 * Whether letters and numbers do something by themselves. Who speaks to the computer, or slips on its keys, must be
 * able to switch that off (WCAG 2.2, 2.1.4); this browser remembers it.
 */
import { signal } from '@preact/signals';

const STORAGE_KEY = 'mirror-character-keys';

export const characterKeys = signal(true);

/** Takes up the choice of an earlier visit. */
export function resumeCharacterKeys(): void {
  characterKeys.value = localStorage.getItem(STORAGE_KEY) !== 'off';
}

export function setCharacterKeys(on: boolean): void {
  localStorage.setItem(STORAGE_KEY, on ? 'on' : 'off');
  characterKeys.value = on;
}

/** Dark or light: dark unless the person chose otherwise, which this browser remembers. */
import { signal } from '@preact/signals';

export type Theme = 'dark' | 'light';

const STORAGE_KEY = 'mirror-theme';

/** What is shown now. */
export const theme = signal<Theme>('dark');

/** Takes up the choice of an earlier visit. Call it before anything is drawn. */
export function resumeTheme(): void {
  show(localStorage.getItem(STORAGE_KEY) === 'light' ? 'light' : 'dark');
}

/** The other one, from now on and at the next visit. */
export function toggleTheme(): void {
  const next: Theme = theme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem(STORAGE_KEY, next);
  show(next);
}

function show(next: Theme): void {
  document.documentElement.dataset['theme'] = next;
  theme.value = next;
}

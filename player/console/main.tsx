/** The operator's console: streams, what they are doing, and what they cost. */
import { render } from 'preact';
import { resumeTheme } from '../ui/theme.ts';
import { App } from './app.tsx';
import { ConsoleState } from './console-state.ts';

resumeTheme();
const state = new ConsoleState();
const place = document.getElementById('app');
if (place) {
  place.replaceChildren();
  render(<App state={state} />, place);
}
state.begin();

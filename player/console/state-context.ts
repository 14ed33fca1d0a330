/** Hands the page's state to whatever draws a part of it. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ConsoleState } from './console-state.ts';

export const StateContext = createContext<ConsoleState | undefined>(undefined);

export function useConsole(): ConsoleState {
  const state = useContext(StateContext);
  if (!state) throw new Error('Nothing of the console is drawn outside of it.');
  return state;
}

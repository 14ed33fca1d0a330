/** The page as a whole: signed out, the list, or one stream. */
import { theme, toggleTheme } from '../ui/theme.ts';
import { CapacityStrip } from './capacity-strip.tsx';
import type { ConsoleState } from './console-state.ts';
import { SignIn } from './sign-in.tsx';
import { StateContext } from './state-context.ts';
import { StreamList } from './stream-list.tsx';
import { StreamPage } from './stream-page.tsx';

export function App({ state }: { readonly state: ConsoleState }) {
  return (
    <StateContext.Provider value={state}>
      <header class="bar">
        <h1>
          mirror <span>console</span>
        </h1>
        {state.api.value && <CapacityStrip />}
        <div class="bar-tools">
          <button type="button" onClick={toggleTheme}>
            {theme.value === 'dark' ? 'Light' : 'Dark'}
            <span class="unseen"> colours</span>
          </button>
          {state.api.value && (
            <button type="button" onClick={() => state.signOut()}>
              Sign out
            </button>
          )}
        </div>
      </header>
      {state.problem.value && (
        <p class="problem banner" role="alert">
          {state.problem.value} What is shown may be old.
        </p>
      )}
      <output class="unseen">{state.note.value}</output>
      <main>
        <View state={state} />
      </main>
    </StateContext.Provider>
  );
}

function View({ state }: { readonly state: ConsoleState }) {
  if (!state.api.value) return <SignIn />;
  const route = state.route.value;
  return route.view === 'stream' ? (
    <StreamPage key={route.streamId} streamId={route.streamId} />
  ) : (
    <StreamList />
  );
}

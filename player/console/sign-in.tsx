/** Asks for the operator's token, which stays in this tab. */
import { useState } from 'preact/hooks';
import { formTexts } from './form-texts.ts';
import { useConsole } from './state-context.ts';

export function SignIn() {
  const state = useConsole();
  const [isBusy, setBusy] = useState(false);
  const problem = state.signInProblem.value;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const { token = '', keep } = formTexts(event.currentTarget);
    setBusy(true);
    await state.signIn(token, keep !== undefined);
    setBusy(false);
  };
  return (
    <form class="sign-in card" onSubmit={(event) => void submit(event)}>
      <h2>Sign in</h2>
      <label class="field">
        <span>Operator token</span>
        <input
          name="token"
          type="password"
          autofocus
          required
          autocomplete="off"
          spellcheck={false}
          aria-describedby="token-help"
          aria-invalid={problem !== undefined}
        />
      </label>
      <p id="token-help" class="help">
        On one machine <code>npm start</code> prints it at its first start, after <code>MIRROR_TOKEN=</code>;{' '}
        <code>npm start -- --new-token</code> makes another. It is never written into an address.
      </p>
      <label class="check">
        <input name="keep" type="checkbox" defaultChecked /> Keep it until this tab is closed
      </label>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="primary" disabled={isBusy}>
        {isBusy ? 'Signing in…' : 'Sign in'}
      </button>
    </form>
  );
}

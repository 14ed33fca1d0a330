/** What to do where an address leads to this machine alone, and is meant for a telephone or an encoder. */
import { isLoopback } from '../reachable.ts';

export function OneMachineHint() {
  if (!isLoopback(location.hostname)) return null;
  return (
    <p class="help">
      This works on this machine alone. For another one, open the console by the address that{' '}
      <code>npm start</code> prints after "From another machine".
    </p>
  );
}

/** What the keys, the mouse and fingers do. */
import { characterKeys, setCharacterKeys } from './character-keys.ts';
import { Dialog } from './dialog.tsx';
import { KEY_HELP } from './keys.ts';
import type { PlayerState } from './player-state.ts';

export function HelpDialog({ state }: { readonly state: PlayerState }) {
  return (
    <Dialog title="Keys" name="help" onClose={() => state.showDialog('none')}>
      <dl class="keys">
        {KEY_HELP.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="choice">
        <input
          type="checkbox"
          checked={characterKeys.value}
          onChange={(event) => setCharacterKeys(event.currentTarget.checked)}
        />
        Letters and numbers work as keys
      </label>
      <p>
        Click or tap a picture to hear it, twice to enlarge it. Swipe sideways over a picture for the next
        one. Drag the line below a picture onto another one to swap them.
      </p>
    </Dialog>
  );
}

/** Asks before something is done that viewers notice or that cannot be taken back. */
import { useState } from 'preact/hooks';
import { messageOf } from '../../domain/errors.ts';
import { Dialog } from '../ui/dialog.tsx';

export interface ConfirmDialogProps {
  readonly title: string;
  readonly words: string;
  /** The word on the button. */
  readonly action: string;
  /** Has to be typed first, for what cannot be taken back. */
  readonly typed?: string;
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
}

export function ConfirmDialog({ title, words, action, typed, onConfirm, onClose }: ConfirmDialogProps) {
  const [text, setText] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | undefined>();
  const confirm = async (event: SubmitEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog name="confirm-dialog" title={title} staysOpen onClose={onClose}>
      <form class="form" onSubmit={(event) => void confirm(event)}>
        <p>{words}</p>
        {typed !== undefined && (
          <label>
            <span>
              Type <code>{typed}</code> to confirm
            </span>
            <input
              type="text"
              autofocus
              autocomplete="off"
              spellcheck={false}
              value={text}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </label>
        )}
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <div class="form-end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class="danger solid"
            disabled={isBusy || (typed !== undefined && text !== typed)}
          >
            {isBusy ? 'One moment…' : action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

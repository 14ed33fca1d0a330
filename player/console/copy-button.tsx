/** A button that puts a text on the clipboard, and says so. */
import { useState } from 'preact/hooks';
import { copied } from '../ui/clipboard.ts';
import { useConsole } from './state-context.ts';

const SAID_FOR_MS = 2_000;

export interface CopyButtonProps {
  /** What it is, for those who hear the page. */
  readonly what: string;
  readonly text: string | (() => string);
}

export function CopyButton({ what, text }: CopyButtonProps) {
  const state = useConsole();
  const [outcome, setOutcome] = useState<'copied' | 'failed' | undefined>();
  const copy = async () => {
    const isCopied = await copied(typeof text === 'string' ? text : text());
    setOutcome(isCopied ? 'copied' : 'failed');
    state.say(isCopied ? `${what}: copied.` : `${what}: this browser does not let the page copy.`);
    setTimeout(() => setOutcome(undefined), SAID_FOR_MS);
  };
  return (
    <button type="button" class="copy" onClick={() => void copy()}>
      {outcome === 'copied' ? 'Copied' : outcome === 'failed' ? 'Not allowed' : 'Copy'}
      <span class="unseen"> {what}</span>
    </button>
  );
}

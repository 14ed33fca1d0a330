/** Puts a text on the clipboard, and says so. */
import { useState } from 'preact/hooks';
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

/** Over plain HTTP from another machine there is no clipboard for pages; the way of old still works there. */
async function copied(text: string): Promise<boolean> {
  try {
    if (globalThis.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
    const area = document.createElement('textarea');
    area.value = text;
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    return isCopied;
  } catch {
    // The person, or the browser's policy, does not want it.
    return false;
  }
}

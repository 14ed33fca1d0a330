/** How an encoder reaches a stream: address, passphrase, and lines that are ready to paste. */
import { useState } from 'preact/hooks';
import type { ListedStream } from '../../domain/control/api.ts';
import { isLoopback } from '../reachable.ts';
import { Dialog } from '../ui/dialog.tsx';
import type { IngestTarget } from './api-client.ts';
import { connectSheets } from './connect-lines.ts';
import { CopyButton } from './copy-button.tsx';
import { OneMachineHint } from './one-machine-hint.tsx';
import { useConsole } from './state-context.ts';
import { usePolled } from './use-polled.ts';

/** It changes with each start alone. */
const EVERY_MS = 30_000;

export function ConnectDialog({
  stream,
  onClose,
}: {
  readonly stream: ListedStream;
  readonly onClose: () => void;
}) {
  const state = useConsole();
  const { value, problem } = usePolled(
    async () => ({ target: await state.api.value?.showTarget(stream.id) }),
    EVERY_MS,
    `${stream.id} ${stream.state}`,
  );
  return (
    <Dialog name="connect-dialog" title={`Connect an encoder to ${stream.name}`} onClose={onClose}>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {value && <Sheets stream={stream} target={value.target} />}
    </Dialog>
  );
}

function Sheets({
  stream,
  target,
}: {
  readonly stream: ListedStream;
  readonly target: IngestTarget | undefined;
}) {
  const [isShown, setShown] = useState(false);
  const [chosen, setChosen] = useState(0);
  const pageHost = location.hostname;
  const shownSheets = connectSheets(stream.ingest, target, { pageHost, isShown });
  const fullSheets = connectSheets(stream.ingest, target, { pageHost, isShown: true });
  const sheet = shownSheets[chosen];
  const full = fullSheets[chosen];
  if (!sheet || !full) return <p>The stream does not run: start it first, and it says where to send to.</p>;
  const hasSecret = shownSheets.some(({ lines }) => lines.some((line) => line.isSecret));
  return (
    <>
      <fieldset class="filters">
        <legend class="unseen">Kind of encoder</legend>
        {shownSheets.map(({ name }, index) => (
          <button key={name} type="button" aria-pressed={index === chosen} onClick={() => setChosen(index)}>
            {name}
          </button>
        ))}
      </fieldset>
      <p>{sheet.how}</p>
      <dl class="lines">
        {sheet.lines.map(({ label, value }, index) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <code>{value}</code>
              <CopyButton what={label} text={() => full.lines[index]?.value ?? ''} />
            </dd>
          </div>
        ))}
      </dl>
      {hasSecret && (
        <label class="check">
          <input
            type="checkbox"
            checked={isShown}
            onChange={(event) => setShown(event.currentTarget.checked)}
          />{' '}
          Show the passphrase
        </label>
      )}
      {hasSecret && (
        <p class="help">Copying takes the passphrase along, shown or not. Each start makes a new one.</p>
      )}
      {target && isLoopback(target.host) && <OneMachineHint />}
    </>
  );
}

/** What can be done with a stream: start, stop, delete, connect an encoder, let viewers in. */
import { useState } from 'preact/hooks';
import type { ListedStream } from '../../domain/control/api.ts';
import { messageOf } from '../../domain/errors.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { ConnectDialog } from './connect-dialog.tsx';
import { isRunningState } from './console-state.ts';
import { ShareDialog } from './share-dialog.tsx';
import { useConsole } from './state-context.ts';

type Opened = 'stop' | 'delete' | 'connect' | 'share';

export function StreamActions({ stream }: { readonly stream: ListedStream }) {
  const state = useConsole();
  const [opened, setOpened] = useState<Opened | undefined>();
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | undefined>();
  const isRunning = isRunningState(stream.state);
  const close = () => setOpened(undefined);

  const start = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      await state.api.value?.startStream(stream.id);
      state.say(`${stream.name} was started.`);
      if (stream.ingest.protocol !== 'srt-caller') setOpened('connect');
    } catch (error) {
      setProblem(messageOf(error));
    }
    setBusy(false);
    state.refresh();
  };
  const stop = async () => {
    await state.api.value?.stopStream(stream.id);
    state.say(`${stream.name} was stopped.`);
    state.refresh();
  };
  const remove = async () => {
    await state.api.value?.deleteStream(stream.id);
    state.say(`${stream.name} was deleted.`);
    state.go({ view: 'list' });
    state.refresh();
  };
  const of = <span class="unseen"> {stream.name}</span>;
  return (
    <div class="actions">
      {isRunning ? (
        <button
          type="button"
          disabled={stream.state === 'stopping'}
          aria-haspopup="dialog"
          onClick={() => setOpened('stop')}
        >
          Stop{of}
        </button>
      ) : (
        <button type="button" class="primary" disabled={isBusy} onClick={() => void start()}>
          {isBusy ? 'Starting…' : 'Start'}
          {of}
        </button>
      )}
      <button
        type="button"
        disabled={!isRunning && stream.ingest.protocol !== 'srt-caller'}
        aria-haspopup="dialog"
        onClick={() => setOpened('connect')}
      >
        Connect{of}
      </button>
      <button type="button" aria-haspopup="dialog" onClick={() => setOpened('share')}>
        Watch{of}
      </button>
      <button
        type="button"
        class="danger"
        disabled={isRunning}
        aria-haspopup="dialog"
        onClick={() => setOpened('delete')}
      >
        Delete{of}
      </button>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {opened === 'stop' && (
        <ConfirmDialog
          title={`Stop ${stream.name}?`}
          words="Its viewers see that it has ended, and its encoder is let go. It can be started again; the passphrase is then another."
          action="Stop"
          onConfirm={stop}
          onClose={close}
        />
      )}
      {opened === 'delete' && (
        <ConfirmDialog
          title={`Delete ${stream.name}?`}
          words="The stream and its live media are gone for good. Recordings stay where they are."
          action="Delete"
          typed={stream.id}
          onConfirm={remove}
          onClose={close}
        />
      )}
      {opened === 'connect' && <ConnectDialog stream={stream} onClose={close} />}
      {opened === 'share' && <ShareDialog stream={stream} onClose={close} />}
    </div>
  );
}

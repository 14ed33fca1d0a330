/** The link to the player, as text and as a code for the camera of a telephone. */
import { useState } from 'preact/hooks';
import type { ListedStream } from '../../domain/control/api.ts';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import { messageOf } from '../../domain/errors.ts';
import { Dialog } from '../ui/dialog.tsx';
import { CopyButton } from './copy-button.tsx';
import { formTexts } from './form-texts.ts';
import { OneMachineHint } from './one-machine-hint.tsx';
import { QrCode } from './qr-code.tsx';
import { useConsole } from './state-context.ts';
import { instantInWords } from './words.ts';

export function ShareDialog({
  stream,
  onClose,
}: {
  readonly stream: ListedStream;
  readonly onClose: () => void;
}) {
  const plain = `${location.origin}/?streams=${encodeURIComponent(stream.id)}`;
  return (
    <Dialog name="share-dialog" title={`Watch ${stream.name}`} onClose={onClose}>
      {stream.access === 'open' ? (
        <>
          <p>Open to everybody who has the link.</p>
          <Link link={plain} />
        </>
      ) : (
        <TicketLink stream={stream} plain={plain} />
      )}
    </Dialog>
  );
}

function TicketLink({ stream, plain }: { readonly stream: ListedStream; readonly plain: string }) {
  const state = useConsole();
  const [issued, setIssued] = useState<{ link: string; expiresAtMs: number } | undefined>();
  const [problem, setProblem] = useState<string | undefined>();
  const issue = async (event: SubmitEvent) => {
    event.preventDefault();
    const { viewer = '' } = formTexts(event.currentTarget);
    try {
      const answer = await state.api.value?.issueTicket(viewer, [stream.id], CONTROL_LIMITS.ticketTtlSMax);
      if (!answer) return;
      setProblem(undefined);
      setIssued({ link: `${plain}#ticket=${answer.ticket}`, expiresAtMs: Date.parse(answer.expiresAt) });
    } catch (error) {
      setIssued(undefined);
      setProblem(messageOf(error));
    }
  };
  return (
    <>
      <p>
        Premium: a link lets one viewer in, once, within {CONTROL_LIMITS.ticketTtlSMax / 60} minutes. The
        ticket in it stands behind the #, which browsers send to nobody.
      </p>
      <form class="form inline" onSubmit={(event) => void issue(event)}>
        <label class="field">
          <span>Name of the viewer</span>
          <input
            name="viewer"
            autofocus
            required
            autocomplete="off"
            maxLength={CONTROL_LIMITS.viewerIdCharCountMax}
            pattern="[A-Za-z0-9._~@+\-]+"
            title="Letters, digits and . _ ~ @ + -"
          />
        </label>
        <button type="submit" class="primary">
          {issued ? 'Make another' : 'Make a link'}
        </button>
      </form>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {issued && <Link link={issued.link} />}
      {issued && (
        <p class="help">To be opened until {instantInWords(issued.expiresAtMs, state.nowMs.value)}.</p>
      )}
    </>
  );
}

function Link({ link }: { readonly link: string }) {
  return (
    <>
      <div class="share">
        <QrCode text={link} label="The link as a QR code" />
        <div class="share-link">
          <code>{link}</code>
          <div class="share-tools">
            <CopyButton what="Link to the player" text={link} />
            <a class="button" href={link} target="_blank" rel="noopener noreferrer">
              Open<span class="unseen"> in a new tab</span>
            </a>
          </div>
        </div>
      </div>
      <OneMachineHint />
    </>
  );
}

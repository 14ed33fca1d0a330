/** Makes a new stream: every field of the API, with its limits and what it is for. */
import { useState } from 'preact/hooks';
import type { CreateStreamRequest } from '../../domain/control/api.ts';
import { CONTROL_LIMITS } from '../../domain/control/limits.ts';
import { messageOf } from '../../domain/errors.ts';
import { Dialog } from '../ui/dialog.tsx';
import { CallError, type FieldProblem } from './api-client.ts';
import { createBody, fieldOfPointer } from './create-body.ts';
import { Choice, ProblemsContext, TextField } from './form-fields.tsx';
import { formTexts } from './form-texts.ts';
import { IngestFields } from './ingest-fields.tsx';
import { useConsole } from './state-context.ts';

type Protocol = CreateStreamRequest['ingest']['protocol'];

const PROTOCOLS: readonly { readonly value: Protocol; readonly label: string }[] = [
  { value: 'srt-listener', label: 'SRT: the encoder calls mirror' },
  { value: 'srt-caller', label: 'SRT: mirror calls the encoder' },
  { value: 'rtp-mpegts', label: 'RTP with MPEG-TS' },
  { value: 'rtp-sdp', label: 'RTP, described by an SDP' },
];

export function CreateDialog({ onClose }: { readonly onClose: () => void }) {
  const state = useConsole();
  const [protocol, setProtocol] = useState<Protocol>('srt-listener');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | undefined>();
  const [fieldProblems, setFieldProblems] = useState<readonly FieldProblem[]>([]);

  const create = async (event: SubmitEvent) => {
    event.preventDefault();
    const { api } = state;
    if (!api.value) return;
    const fields = formTexts(event.currentTarget);
    setBusy(true);
    setProblem(undefined);
    setFieldProblems([]);
    try {
      const { id, name } = await api.value.createStream(createBody(fields));
      if (fields['start'] !== undefined) await api.value.startStream(id);
      state.say(`${name} was created.`);
      onClose();
      state.go({ view: 'stream', streamId: id });
    } catch (error) {
      setProblem(messageOf(error));
      if (error instanceof CallError) setFieldProblems(error.fields);
    }
    setBusy(false);
    state.refresh();
  };
  const problems = new Map(fieldProblems.map(({ pointer, detail }) => [fieldOfPointer(pointer), detail]));
  return (
    <Dialog name="create-dialog" title="New stream" staysOpen onClose={onClose}>
      <ProblemsContext.Provider value={problems}>
        <form class="form" onSubmit={(event) => void create(event)}>
          <TextField
            name="name"
            label="Name"
            help="What viewers read beside the picture."
            required
            autofocus
            maxLength={CONTROL_LIMITS.nameCharCountMax}
          />
          <TextField
            name="id"
            label="Id"
            help="Part of its addresses: 1 to 40 of a-z, 0-9 and inner hyphens. Left empty, one is made."
            maxLength={40}
            pattern="[a-z0-9](?:[a-z0-9\-]{0,38}[a-z0-9])?"
          />
          <label class="field">
            <span>How the feed arrives</span>
            <select
              name="protocol"
              value={protocol}
              onChange={(event) =>
                setProtocol(PROTOCOLS[event.currentTarget.selectedIndex]?.value ?? protocol)
              }
            >
              {PROTOCOLS.map(({ value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <IngestFields protocol={protocol} />
          <div class="columns">
            <Choice
              name="access"
              label="Who may watch"
              options={[
                ['premium', 'Viewers with a ticket'],
                ['open', 'Everybody with the link'],
              ]}
            />
            <Choice
              name="frameRate"
              label="Frames per second"
              help="50 for feeds of 25 or 50."
              options={[
                ['30', '30'],
                ['50', '50'],
                ['60', '60'],
              ]}
            />
            <Choice
              name="hardware"
              label="Transcode on"
              options={[
                ['auto', 'GPU if there is one'],
                ['nvidia', 'GPU only'],
                ['cpu', 'CPU'],
              ]}
            />
            <Choice
              name="signalLoss"
              label="When the signal is lost"
              options={[
                ['last-picture', 'Last picture, dimmed'],
                ['slate', 'Plain slate'],
              ]}
            />
          </div>
          <label class="check">
            <input type="checkbox" name="record" /> Record it
          </label>
          <label class="check">
            <input type="checkbox" name="start" defaultChecked /> Start it right away
          </label>
          {problem && (
            <p class="problem" role="alert">
              {problem}
            </p>
          )}
          <div class="form-end">
            <button type="button" onClick={onClose}>
              Cancel
            </button>
            <button type="submit" class="primary" disabled={isBusy}>
              {isBusy ? 'Creating…' : 'Create'}
            </button>
          </div>
        </form>
      </ProblemsContext.Provider>
    </Dialog>
  );
}

/** What was recorded of a stream: to play, and to keep as one file. */
import { useState } from 'preact/hooks';
import { messageOf } from '../../domain/errors.ts';
import { RecordingDialog } from './recording-dialog.tsx';
import { saveRecording } from './recording-download.ts';
import { listRecordings, type Recording, type RecordingDependencies } from './recordings.ts';
import { useConsole } from './state-context.ts';
import { signedMediaUrl } from './thumbnails.ts';
import { usePolled } from './use-polled.ts';
import { durationInWords, instantInWords } from './words.ts';

const EVERY_MS = 15_000;

export function RecordingsPanel({
  streamId,
  isRunning,
}: {
  readonly streamId: string;
  readonly isRunning: boolean;
}) {
  const state = useConsole();
  const [played, setPlayed] = useState<Recording | undefined>();
  const source: RecordingDependencies = {
    urlOf: async (file) => signedMediaUrl(streamId, (await state.grantOf(streamId)).recordings, file),
    fetch: (url, init) => fetch(url, { ...init, credentials: 'omit' }),
  };
  const { value: recordings, problem } = usePolled(
    () => listRecordings(source),
    EVERY_MS,
    `${streamId} ${isRunning}`,
  );
  const nowMs = state.nowMs.value;
  return (
    <section class="card" aria-labelledby="recordings-title">
      <h3 id="recordings-title">Recordings</h3>
      {problem && <p class="problem">{problem}</p>}
      {recordings?.length === 0 && (
        <p class="quiet">
          Nothing was recorded yet. The first piece is there twelve seconds after the start.
        </p>
      )}
      <ul class="recordings">
        {recordings?.map((recording) => (
          <li key={recording.name}>
            <span>
              <time dateTime={new Date(recording.startMs).toISOString()}>
                {instantInWords(recording.startMs, nowMs)}
              </time>
              <span class="quiet">
                {' '}
                {durationInWords(recording.durationMs)}
                {recording.isFinished ? '' : isRunning ? ', goes on' : ', broken off'}
              </span>
            </span>
            <button type="button" aria-haspopup="dialog" onClick={() => setPlayed(recording)}>
              Play<span class="unseen"> the recording of {instantInWords(recording.startMs, nowMs)}</span>
            </button>
            <DownloadButton streamId={streamId} recording={recording} source={source} />
          </li>
        ))}
      </ul>
      {played && (
        <RecordingDialog
          title={`Recording of ${instantInWords(played.startMs, nowMs)}`}
          playlistUrl={() => source.urlOf(`${played.name}/index.m3u8`)}
          signedUrl={async (url) => source.urlOf(`${played.name}/${url.slice(url.lastIndexOf('/') + 1)}`)}
          onClose={() => setPlayed(undefined)}
        />
      )}
    </section>
  );
}

function DownloadButton(props: {
  readonly streamId: string;
  readonly recording: Recording;
  readonly source: RecordingDependencies;
}) {
  const { streamId, recording, source } = props;
  const state = useConsole();
  const [progress, setProgress] = useState<string | undefined>();
  const save = async () => {
    try {
      const outcome = await saveRecording(
        `${streamId}-${recording.name}.mp4`,
        recording,
        source,
        setProgress,
      );
      if (outcome === 'saved') state.say('The recording was saved.');
      setProgress(undefined);
    } catch (error) {
      setProgress(undefined);
      state.report(messageOf(error));
    }
  };
  return (
    <button type="button" disabled={progress !== undefined} onClick={() => void save()}>
      {progress ?? 'Download'}
      <span class="unseen"> the recording of {new Date(recording.startMs).toLocaleString('en-GB')}</span>
    </button>
  );
}

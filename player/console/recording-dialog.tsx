/** Plays a recording, by hls.js or by the browser itself. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../domain/errors.ts';
import { Dialog } from '../ui/dialog.tsx';

export interface RecordingDialogProps {
  readonly title: string;
  readonly playlistUrl: () => Promise<string>;
  /** The same file with a signature that is still good. */
  readonly signedUrl: (url: string) => Promise<string>;
  readonly onClose: () => void;
}

export function RecordingDialog({ title, playlistUrl, signedUrl, onClose }: RecordingDialogProps) {
  const videoRef = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<string | undefined>();
  // Those of the first drawing: they ask for a fresh signature each time.
  const [addresses] = useState({ playlistUrl, signedUrl });
  useEffect(() => {
    const ending = new AbortController();
    const play = async (video: HTMLVideoElement) => {
      const { default: Hls } = await import('hls.js');
      const url = await addresses.playlistUrl();
      if (ending.signal.aborted) return;
      if (!Hls.isSupported()) {
        setProblem('This browser cannot play recordings here. Download it instead.');
        return;
      }
      const hls = new Hls({
        // Signatures end while one looks; each request gets the newest. hls.js leaves an opened request alone.
        xhrSetup: async (xhr, asked) => xhr.open('GET', await addresses.signedUrl(pathOf(asked)), true),
        startPosition: 0,
      });
      ending.signal.addEventListener('abort', () => hls.destroy());
      hls.on(Hls.Events.ERROR, (_event, { fatal, details }) => {
        if (fatal) setProblem(`It does not play on (${details}). Download it instead.`);
      });
      hls.loadSource(url);
      hls.attachMedia(video);
    };
    if (videoRef.current) play(videoRef.current).catch((error: unknown) => setProblem(messageOf(error)));
    return () => ending.abort();
  }, [addresses]);
  return (
    <Dialog name="recording-dialog" title={title} onClose={onClose}>
      {/* oxlint-disable-next-line jsx-a11y/media-has-caption -- live feeds carry none that a recording would keep */}
      <video ref={videoRef} controls playsInline autoPlay muted aria-label={title} />
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </Dialog>
  );
}

function pathOf(url: string): string {
  return new URL(url, location.href).pathname;
}

/** The last picture of a pane that cannot be loaded any more, dimmed below the words, until there is a new one. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Pane } from '../pane.ts';

export function LastPicture({ phase, media }: Pick<Pane, 'phase' | 'media'>) {
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const [isKept, setKept] = useState(false);
  useLayoutEffect(() => {
    // It stands still in its element now; an engine that is given up takes it away.
    const canvas = canvasRef.current;
    if (phase !== 'stalled' || !canvas || !(media instanceof HTMLVideoElement) || media.videoWidth === 0)
      return;
    canvas.width = media.videoWidth;
    canvas.height = media.videoHeight;
    canvas.getContext('2d')?.drawImage(media, 0, 0);
    setKept(true);
  }, [phase, media]);
  return (
    <canvas class="last-picture" ref={canvasRef} hidden={!isKept || phase !== 'reconnecting'} aria-hidden />
  );
}

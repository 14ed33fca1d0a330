/** A small picture of a stream that keeps up with it, as long as somebody can see it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from './state-context.ts';

export interface ThumbnailProps {
  readonly streamId: string;
  readonly name: string;
  /** Whether there can be a picture at all. */
  readonly hasMedia: boolean;
  readonly everyMs?: number;
}

const EVERY_MS = 5_000;
/** After a try that found no first picture. */
const AGAIN_MS = 1_000;

export function Thumbnail({ streamId, name, hasMedia, everyMs = EVERY_MS }: ThumbnailProps) {
  const { thumbnails } = useConsole();
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const [hasPicture, setPicture] = useState(false);

  useEffect(() => {
    const canvas = canvasRef.current;
    if (!canvas || !hasMedia) {
      setPicture(false);
      return undefined;
    }
    const ending = new AbortController();
    let isSeen = false;
    let isDrawing = false;
    let hasDrawn = false;
    let soon: ReturnType<typeof setTimeout> | undefined;
    const draw = async () => {
      if (!isSeen || isDrawing || document.hidden) return;
      isDrawing = true;
      const isDrawn = await thumbnails.draw(streamId, canvas, ending.signal);
      isDrawing = false;
      if (ending.signal.aborted) return;
      hasDrawn ||= isDrawn;
      if (isDrawn) setPicture(true);
      // Just on air: its first whole segment comes in a moment.
      if (!hasDrawn) soon = setTimeout(() => void draw(), AGAIN_MS);
    };
    const watch = new IntersectionObserver((entries) => {
      isSeen = entries.some((entry) => entry.isIntersecting);
      void draw();
    });
    watch.observe(canvas);
    const timer = setInterval(() => void draw(), everyMs);
    return () => {
      ending.abort();
      watch.disconnect();
      clearInterval(timer);
      clearTimeout(soon);
    };
  }, [thumbnails, streamId, hasMedia, everyMs]);

  return (
    <div class="thumbnail" data-picture={hasPicture}>
      <canvas ref={canvasRef} width={640} height={360} aria-hidden="true" hidden={!hasPicture} />
      {hasPicture && <span class="unseen">Picture of {name}</span>}
      {!hasPicture && <span class="no-picture">{hasMedia ? 'One moment' : 'No picture'}</span>}
    </div>
  );
}

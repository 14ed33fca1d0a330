/**
 * The browser's door for media that a page brings by itself. iPhones have only ManagedMediaSource (Media Source
 * Extensions 2, "ManagedMediaSource"): it says when it wants media, so that the radio may rest in between, and
 * opens only on an element that is played on no other device.
 */

/** What is ours to use of either kind. */
export interface AnySource {
  readonly source: MediaSource;
  /** False while a managed source wants nothing. */
  readonly isWanted: () => boolean;
  /** Calls back each time a managed source wants media again. */
  readonly onWanted: (listener: () => void) => void;
}

/** Either constructor; both are looked for by name, because a browser may have one, both or none. */
interface SourceClass {
  new (): MediaSource;
  isTypeSupported(type: string): boolean;
}

export interface SourceClasses {
  readonly MediaSource?: SourceClass | undefined;
  readonly ManagedMediaSource?: SourceClass | undefined;
}

/** H.264 Constrained Baseline 3.0 and AAC-LC: what our renditions are at most. */
const OUR_TYPES = ['video/mp4; codecs="avc1.42c01e"', 'audio/mp4; codecs="mp4a.40.2"'];

/** The class to use; undefined where there is none that plays our renditions. */
export function sourceClassOf(classes: SourceClasses): SourceClass | undefined {
  return [classes.MediaSource, classes.ManagedMediaSource].find((found) =>
    found === undefined ? false : OUR_TYPES.every((type) => found.isTypeSupported(type)),
  );
}

/** @throws Error when this browser has neither kind. */
export function makeSource(media: HTMLMediaElement, classes: SourceClasses): AnySource {
  const found = sourceClassOf(classes);
  if (!found) throw new Error('this browser takes no media from a page');
  const source = new found();
  const isManaged = found === classes.ManagedMediaSource;
  // Without it a managed source never opens (WebKit: "A ManagedMediaSource requires disableRemotePlayback").
  if (isManaged) media.disableRemotePlayback = true;
  return {
    source,
    isWanted: () => !isManaged || Reflect.get(source, 'streaming') !== false,
    onWanted: (listener) => source.addEventListener('startstreaming', listener),
  };
}

/** Full screen and picture in picture, which a browser may refuse. */
import type { Pane } from '../pane.ts';
import type { PlayerState } from './player-state.ts';

export class ScreenActions {
  readonly #state: PlayerState;
  readonly #paneOf: (streamId: string) => Pane | undefined;
  readonly #stage: () => HTMLElement | null;

  constructor(options: {
    readonly state: PlayerState;
    readonly paneOf: (streamId: string) => Pane | undefined;
    /** What fills the screen. */
    readonly stage: () => HTMLElement | null;
  }) {
    this.#state = options.state;
    this.#paneOf = options.paneOf;
    this.#stage = options.stage;
  }

  fullscreen(): void {
    // An iPhone has neither the methods nor the flag.
    if (!document.fullscreenEnabled) {
      this.#say('This browser does not allow full screen here.');
      return;
    }
    const done = document.fullscreenElement
      ? document.exitFullscreen()
      : (this.#stage()?.requestFullscreen() ?? Promise.resolve());
    done.catch(() => this.#say('The browser refused full screen. Press F once more.'));
  }

  /** Of the pane that has the focus. */
  pictureInPicture(): void {
    if (document.pictureInPictureElement) {
      document.exitPictureInPicture().catch(() => this.#say('The small window could not be closed.'));
      return;
    }
    const media = this.#paneOf(this.#state.focusId.value ?? '')?.media;
    if (!(media instanceof HTMLVideoElement) || !document.pictureInPictureEnabled) {
      this.#say('This browser does not allow picture in picture here.');
      return;
    }
    media
      .requestPictureInPicture()
      .catch(() => this.#say('Picture in picture needs a feed that plays: try again once it does.'));
  }

  #say(words: string): void {
    this.#state.notice.value = words;
  }
}

/** What is drawn around one pane's picture: name, state, latency, sound, and words where there is no picture. */
import { element } from './dom.ts';
import type { Pane } from './pane.ts';
import { type PaneWords, paneWords, type StreamSummary } from './pane-words.ts';

const SOUND_WORDS = { off: 'Sound off', starting: 'Sound starting', on: 'Sound on' } as const;

export class PaneView {
  readonly root: HTMLElement;
  readonly video: HTMLMediaElement;
  readonly #name = element('span', { class: 'pane-name' });
  readonly #badge = element('span', { class: 'badge' });
  readonly #latency = element('span', {
    class: 'latency',
    title: 'How long ago the shown picture was taken in',
  });
  readonly #sound = element('button', { class: 'sound', type: 'button' });
  readonly #message = element('p', { class: 'message', role: 'status' });
  readonly #ingest = element('code', { class: 'ingest' });
  readonly #copy = element('button', { class: 'copy', type: 'button' }, 'Copy');
  readonly #place: HTMLElement;

  constructor(options: {
    readonly pane: Pane;
    readonly keyHint: string;
    readonly onSelect: () => void;
  }) {
    const { streamId } = options.pane;
    this.video = options.pane.media;
    const own = element('div', { class: 'own-feed' }, this.#ingest, this.#copy);
    this.#place = element('div', { class: 'place' }, this.#message, own);
    this.#sound.append(speakerIcon());
    this.root = element(
      'section',
      { class: 'pane', 'data-stream': streamId, 'aria-label': streamId },
      element('div', { class: 'picture' }, this.video, this.#place),
      element('div', { class: 'caption' }, this.#name, this.#badge, this.#latency, this.#sound),
    );
    this.#sound.title = `Hear this feed (key ${options.keyHint})`;
    this.#sound.addEventListener('click', (event) => {
      event.stopPropagation();
      options.onSelect();
    });
    this.video.addEventListener('click', options.onSelect);
    this.#copy.addEventListener('click', () => void this.#copyIngest());
  }

  /** Cheap enough for several times a second: what has not changed is not touched. */
  update(pane: Pane, stream: StreamSummary | undefined, sound: 'off' | 'starting' | 'on'): void {
    const words = paneWords(pane.phase, stream, pane.problem);
    setText(this.#name, stream?.name ?? pane.streamId);
    this.#showWords(words);
    const ingestUrl = stream?.state === 'waiting' ? stream.ingestUrl : undefined;
    setText(this.#ingest, ingestUrl ?? '');
    setFlag(this.#place, 'has-ingest', ingestUrl !== undefined);
    const latencyMs = pane.phase === 'playing' ? pane.latencyMs : undefined;
    setText(this.#latency, latencyMs === undefined ? '' : `${(latencyMs / 1000).toFixed(2)} s`);
    setFlag(this.root, 'audible', sound !== 'off');
    if (this.#sound.dataset['sound'] !== sound) {
      this.#sound.dataset['sound'] = sound;
      this.#sound.setAttribute('aria-label', `${SOUND_WORDS[sound]}: ${stream?.name ?? pane.streamId}`);
    }
    this.#sound.setAttribute('aria-pressed', String(sound !== 'off'));
  }

  #showWords(words: PaneWords): void {
    setText(this.#badge, words.badge);
    if (this.#badge.dataset['tone'] !== words.tone) this.#badge.dataset['tone'] = words.tone;
    setText(this.#message, words.message ?? '');
    setFlag(this.#place, 'shown', words.message !== undefined);
  }

  async #copyIngest(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#ingest.textContent ?? '');
      this.#copy.textContent = 'Copied';
    } catch {
      // Without permission for the clipboard the text is selected, ready for the person's own copy command.
      getSelection()?.selectAllChildren(this.#ingest);
      this.#copy.textContent = 'Press Ctrl+C';
    }
    setTimeout(() => (this.#copy.textContent = 'Copy'), 2_000);
  }
}

function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

function setFlag(node: HTMLElement, name: string, on: boolean): void {
  if (node.classList.contains(name) !== on) node.classList.toggle(name, on);
}

/** A loudspeaker; the waves show while there is sound, the cross while there is none (style.css). */
function speakerIcon(): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const icon = document.createElementNS(namespace, 'svg');
  icon.setAttribute('viewBox', '0 0 20 20');
  icon.setAttribute('aria-hidden', 'true');
  for (const [name, shape] of [
    ['body', 'M3 7.5h3L10 4v12l-4-3.5H3z'],
    ['waves', 'M12.5 7.5a3.5 3.5 0 0 1 0 5M14.8 5.2a6.8 6.8 0 0 1 0 9.6'],
    ['cross', 'M12.8 8l4 4M16.8 8l-4 4'],
  ] as const) {
    const path = document.createElementNS(namespace, 'path');
    path.setAttribute('class', name);
    path.setAttribute('d', shape);
    icon.append(path);
  }
  return icon;
}

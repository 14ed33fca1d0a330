/**
 * The captions of a stream as text on its timeline: what stands on the screen at any instant. CEA-608, the first
 * channel, which feeds with CEA-708 carry along for older receivers.
 */
import { Cta608Parser } from '@svta/cml-608';
import { captionsOfNalUnit } from '../../domain/captions.ts';
import { SEED_PROFILE } from '../../domain/profile.ts';
import { VideoSampleReader } from './video-samples.ts';

/** One state of the screen, from its instant on. */
interface Screen {
  readonly fromMs: number;
  /** Lines joined by line ends; empty when nothing stands there. */
  readonly text: string;
}

/** Screens change a few times a second at most, and panes play seconds behind at most. */
const SCREENS_MAX = 100;
/** Captions without any byte for so long are gone: the feed has changed, or its encoder stopped. */
const SILENCE_MAX_MS = 16_000;
const FIELD_1 = 0;
/** The parity bit of each byte (CEA-608 §4.2). */
const WITHOUT_PARITY = 0x7f;
/** Nothing to say in this picture. */
const IS_PADDING = (first: number, second: number) =>
  (first & WITHOUT_PARITY) === 0 && (second & WITHOUT_PARITY) === 0;

export class CaptionText {
  readonly #samples = new VideoSampleReader({
    timescaleHz: SEED_PROFILE.video.timescaleHz,
    chunkMs: SEED_PROFILE.partMs,
  });
  readonly #parser = newParser();
  #screens: Screen[] = [];
  #lastDataAtMs = Number.NEGATIVE_INFINITY;

  /** True once the feed has carried captions. */
  get isThere(): boolean {
    return this.#lastDataAtMs > Number.NEGATIVE_INFINITY;
  }

  /** Bytes of the `video` rendition, in order. */
  add(bytes: Uint8Array): void {
    for (const { instantMs, nalUnits } of this.#samples.add(bytes))
      for (const unit of nalUnits) this.#read(unit, instantMs);
  }

  /** A chunk begins here: what came before, if it ends in the middle, is forgotten. */
  cut(): void {
    this.#samples.reset();
  }

  /** What stands on the screen at an instant; empty for nothing. */
  textAt(instantMs: number): string {
    if (instantMs - this.#lastDataAtMs > SILENCE_MAX_MS) return '';
    return this.#screens.findLast(({ fromMs }) => fromMs <= instantMs)?.text ?? '';
  }

  #read(unit: Uint8Array, instantMs: number): void {
    for (const { kind, first, second } of captionsOfNalUnit(unit)) {
      if (kind !== FIELD_1 || IS_PADDING(first, second)) continue;
      this.#lastDataAtMs = instantMs;
      this.#parser.addData(instantMs / 1000, [first, second]);
      const text = screenText(this.#parser);
      if (text === (this.#screens.at(-1)?.text ?? '')) continue;
      this.#screens.push({ fromMs: instantMs, text });
      if (this.#screens.length > SCREENS_MAX) this.#screens.shift();
    }
  }
}

function newParser(): Cta608Parser {
  // It tells of a caption when that has gone again; we look at the screen itself instead.
  const nobody = { newCue: () => undefined };
  return new Cta608Parser(1, nobody, nobody);
}

/** The parser keeps its screens in a private field, which is pinned by a test, as that of hls.js is. */
function screenText(parser: Cta608Parser): string {
  const channels: unknown = Reflect.get(parser, 'channels');
  const channel: unknown = Array.isArray(channels) ? channels[1] : undefined;
  const screen: unknown =
    typeof channel === 'object' && channel !== null ? Reflect.get(channel, 'displayedMemory') : undefined;
  if (typeof screen !== 'object' || screen === null || !('getDisplayText' in screen)) return '';
  const { getDisplayText } = screen;
  const text: unknown = typeof getDisplayText === 'function' ? getDisplayText.call(screen, false) : '';
  return typeof text === 'string' ? text : '';
}

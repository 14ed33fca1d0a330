/** The few ways in which FFmpeg's send and receive calls end, as values. */
import { AV_OPT_SEARCH_CHILDREN, AVERROR_EAGAIN, AVERROR_EOF } from 'node-av/constants';
import { type Codec, type CodecContext, FFmpegError, Option } from 'node-av/lib';
import type { OptionTable } from './options.ts';

export type CallResult = 'ok' | 'again' | 'end' | 'error';

export function resultOf(code: number): CallResult {
  if (code >= 0) return 'ok';
  if (code === AVERROR_EAGAIN) return 'again';
  return code === AVERROR_EOF ? 'end' : 'error';
}

export function textOf(code: number): string {
  return FFmpegError.strerror(code);
}

/**
 * Sets a table of options on a codec context and opens it.
 *
 * @returns what went wrong in words; undefined when the codec is open and took every option.
 */
export async function openWithOptions(
  context: CodecContext,
  codec: Codec,
  options: OptionTable,
): Promise<string | undefined> {
  for (const [name, value] of Object.entries(options)) {
    // Children first: an encoder's own `profile` is meant, not the number of the context.
    const code = Option.set(context.getNative(), name, value, AV_OPT_SEARCH_CHILDREN);
    if (code < 0) return `${name}=${value}: ${textOf(code)}`;
  }
  const code = await context.open2(codec, null);
  return code < 0 ? textOf(code) : undefined;
}

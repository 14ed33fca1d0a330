/** An entry of a stream's history as a person reads it. */

/** Its reason, with how often it was so: `The feed stopped (14 times)`. */
export function reasonInWords({
  reason = '',
  times,
}: {
  readonly reason?: string | undefined;
  readonly times?: number | undefined;
}): string {
  return times === undefined ? reason : `${reason} (${times} times)`.trimStart();
}

/** The process that forked this one, as far as it matters here: whether it is still there. */

/**
 * Acts once the channel to the parent has closed, however the parent went. Node tells of that a single time, and
 * a program that was still being loaded did not hear it: such a one would run for ever and hold its port.
 * Without a channel, as on AWS, there is no parent to lose.
 */
export function onParentGone(act: () => void): void {
  if (process.send && !process.connected) act();
  else process.once('disconnect', act);
}

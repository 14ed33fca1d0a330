/** The clock of a feed's encoder, which may run a little faster or slower than ours. */
export class DeviceClock {
  /** Wall clock at the device's instant 0, Unix milliseconds. */
  readonly startMs: number;
  private readonly rate: number;
  private readonly monotonicStartMs: number;
  private readonly monotonicNowMs: () => number;

  constructor({
    startMs,
    driftPpm,
    monotonicNowMs = () => performance.now(),
  }: {
    startMs: number;
    driftPpm: number;
    monotonicNowMs?: () => number;
  }) {
    this.startMs = startMs;
    this.rate = 1 + driftPpm / 1e6;
    this.monotonicNowMs = monotonicNowMs;
    this.monotonicStartMs = monotonicNowMs();
  }

  /** Real milliseconds since the start at which the device's clock shows `deviceMs`. */
  realMs(deviceMs: number): number {
    return deviceMs / this.rate;
  }

  /** Real milliseconds from now until the device's clock shows `deviceMs`; negative when that has passed. */
  untilMs(deviceMs: number): number {
    return this.monotonicStartMs + this.realMs(deviceMs) - this.monotonicNowMs();
  }
}

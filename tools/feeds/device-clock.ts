/** The clock of a feed's encoder, which may run a little faster or slower than ours. */
export class DeviceClock {
  private readonly rate: number;
  private readonly monotonicNowMs: () => number;
  private readonly wallNowMs: () => number;
  private wallStartMs = 0;
  private monotonicStartMs = 0;

  constructor({
    startMs,
    driftPpm,
    monotonicNowMs = () => performance.now(),
    wallNowMs = Date.now,
  }: {
    startMs: number;
    driftPpm: number;
    monotonicNowMs?: () => number;
    wallNowMs?: () => number;
  }) {
    this.rate = 1 + driftPpm / 1e6;
    this.monotonicNowMs = monotonicNowMs;
    this.wallNowMs = wallNowMs;
    this.restart(startMs);
  }

  /** Wall clock at the device's instant 0, Unix milliseconds. */
  get startMs(): number {
    return this.wallStartMs;
  }

  /** Sets the device's instant 0, which may lie in the future. */
  restart(startMs: number): void {
    this.wallStartMs = startMs;
    this.monotonicStartMs = this.monotonicNowMs() + startMs - this.wallNowMs();
  }

  /** Wall clock at which the device's clock shows `deviceMs`, Unix milliseconds. */
  wallMs(deviceMs: number): number {
    return this.wallStartMs + deviceMs / this.rate;
  }

  /** Real milliseconds from now until the device's clock shows `deviceMs`; negative when that has passed. */
  untilMs(deviceMs: number): number {
    return this.monotonicStartMs + deviceMs / this.rate - this.monotonicNowMs();
  }
}

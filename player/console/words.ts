/** Numbers in words, the same everywhere on the page. */

export function bitrateInWords(bps: number | undefined): string {
  if (bps === undefined) return '–';
  if (bps >= 1e6) return `${(bps / 1e6).toFixed(bps >= 1e7 ? 0 : 1)} Mbps`;
  return `${Math.round(bps / 1e3)} kbps`;
}

/** `42 s`, `5:07` as minutes and seconds, `3:05:07` as hours, `2 d 3 h`. */
export function durationInWords(ms: number): string {
  const totalS = Math.max(0, Math.floor(ms / 1_000));
  const [hours, minutes, seconds] = [Math.floor(totalS / 3_600), Math.floor(totalS / 60) % 60, totalS % 60];
  if (totalS < 60) return `${seconds} s`;
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

export function usdInWords(usd: number): string {
  return usd.toLocaleString('en', { style: 'currency', currency: 'USD' });
}

/** Time of day here, with the day when it is not today's. */
export function instantInWords(unixMs: number, nowMs: number): string {
  const at = new Date(unixMs);
  const time = at.toLocaleTimeString('en-GB');
  return at.toDateString() === new Date(nowMs).toDateString()
    ? time
    : `${at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${time}`;
}

export function byteCountInWords(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  return count >= 1e6 ? `${(count / 1e6).toFixed(0)} MB` : `${Math.ceil(count / 1e3)} kB`;
}

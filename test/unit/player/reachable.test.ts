import { describe, expect, it } from 'vitest';
import { isLoopback, reachableUrl } from '../../../player/reachable.ts';

describe('an address of the machine that runs all', () => {
  const own = 'srt://127.0.0.1:9003?latency=120000';

  it.each([
    ['localhost', own],
    ['cam-1.localhost', own],
    ['192.0.2.7', 'srt://192.0.2.7:9003?latency=120000'],
    ['[2001:db8::7]', 'srt://[2001:db8::7]:9003?latency=120000'],
  ])('seen on a page of %s is %s', (pageHost, url) => {
    expect(reachableUrl(own, pageHost)).toBe(url);
  });

  it('that names the machine for everybody stays as it is', () => {
    const named = 'srt://ingest.example.com:9003?mode=caller';
    expect(reachableUrl(named, '192.0.2.7')).toBe(named);
    expect(reachableUrl('srt://[2001:db8::9]:9003', '192.0.2.7')).toBe('srt://[2001:db8::9]:9003');
  });

  it('that leads nowhere else is known as such', () => {
    expect(['127.0.0.1', '[::1]', 'own.localhost'].map(isLoopback)).toEqual([true, true, true]);
    expect(['192.0.2.7', 'localhost.example.com'].map(isLoopback)).toEqual([false, false]);
  });
});

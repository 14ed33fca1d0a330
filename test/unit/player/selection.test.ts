import { describe, expect, it } from 'vitest';
import { mediaOrigin } from '../../../player/selection.ts';

describe('where media is asked for', () => {
  it.each([
    ['http:', 'localhost', '8080', 'http://cam-1.localhost:8080'],
    ['http:', '127.0.0.1', '8080', 'http://127.0.0.1:8080'],
    ['http:', '192.168.1.5', '', 'http://192.168.1.5'],
    ['https:', 'localhost', '8443', 'https://localhost:8443'],
  ])('%s//%s:%s', (protocol, hostname, port, origin) => {
    expect(mediaOrigin('cam-1', { protocol, hostname, port })).toBe(origin);
  });
});

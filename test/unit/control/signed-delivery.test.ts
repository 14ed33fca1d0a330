import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CloudFrontUrlSigner } from '../../../adapters/url-signer-cloudfront.ts';
import { matchesResource, playbackExpiryMs, type SignedQuery } from '../../../domain/control/playback.ts';
import { SignedDelivery } from '../../../local/signed-delivery.ts';
import { FakeClock, START_MS, signingKeys } from './fixture.ts';

const BASE = 'http://local';
const clock = new FakeClock();
const edge = new SignedDelivery({ publicKeys: { K1: signingKeys().publicKey }, resourceBase: BASE, clock });

function signer(privateKey = signingKeys().privateKey, keyPairId = 'K1', resourceBase = BASE) {
  return new CloudFrontUrlSigner({ identity: async () => ({ keyPairId, privateKey }), resourceBase });
}

const grant = { streamId: 'goal', expiresAtMs: START_MS + 60_000 };
const queryOf = (signed: SignedQuery) => new URLSearchParams({ ...signed }).toString();

describe('signed delivery on this machine', () => {
  it('one signature opens every playlist, part and directive of its stream', async () => {
    const query = queryOf(await signer().sign(grant));
    for (const url of [
      `/live/goal/index.m3u8?${query}`,
      `/live/goal/video.m3u8?_HLS_msn=7&_HLS_part=2&${query}`,
      `/live/goal/video/123.4.m4s?${query}&_HLS_skip=YES`,
    ])
      expect(edge.check({ url })).toEqual({ kind: 'ok' });
  });

  it('cookies open it as well', async () => {
    const signed = await signer().sign(grant);
    const cookie = Object.entries(signed).map(([name, value]) => `CloudFront-${name}=${value}`);
    expect(edge.check({ url: '/live/goal/index.m3u8', cookie: `a=b; ${cookie.join('; ')}` })).toEqual({
      kind: 'ok',
    });
  });

  it('an expired policy, another stream, no signature and half a signature are refused', async () => {
    const signed = await signer().sign(grant);
    const query = queryOf(signed);
    const expired = queryOf(await signer().sign({ ...grant, expiresAtMs: START_MS }));
    for (const [url, reason] of [
      [`/live/goal/index.m3u8?${expired}`, 'expired'],
      [`/live/other/index.m3u8?${query}`, 'another resource'],
      [`/live/other/index.m3u8?x=${BASE}/live/goal/&${query}`, 'another resource'],
      [`/live/goal/../other/index.m3u8?${query}`, 'the path'],
      [`/live/goal/%2e%2e/other/index.m3u8?${query}`, 'the path'],
      [`/live/goal//index.m3u8?${query}`, 'the path'],
      ['/live/goal/index.m3u8', 'no complete signature'],
      [`/live/goal/index.m3u8?Policy=${signed.Policy}`, 'no complete signature'],
      [`/live/goal/index.m3u8?${query}&Policy=${signed.Policy}`, 'no complete signature'],
    ] as const)
      expect(edge.check({ url })).toEqual({ kind: 'refused', reason: expect.stringContaining(reason) });
  });

  it("a policy that another key signed, or that another key's name stands on, is refused", async () => {
    const other = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const forged = queryOf(await signer(other.privateKey).sign(grant));
    const unknown = queryOf(await signer(undefined, 'K2').sign(grant));
    expect(edge.check({ url: `/live/goal/index.m3u8?${forged}` })).toMatchObject({ kind: 'refused' });
    expect(edge.check({ url: `/live/goal/index.m3u8?${unknown}` })).toMatchObject({ kind: 'refused' });
    const rotating = new SignedDelivery({
      publicKeys: { K1: other.publicKey, K2: signingKeys().publicKey },
      resourceBase: BASE,
      clock,
    });
    expect(rotating.check({ url: `/live/goal/index.m3u8?${forged}` })).toEqual({ kind: 'ok' });
    expect(rotating.check({ url: `/live/goal/index.m3u8?${unknown}` })).toEqual({ kind: 'ok' });
  });

  it('a policy or signature with any one character changed is refused', async () => {
    const signed = await signer().sign(grant);
    fc.assert(
      fc.property(
        fc.constantFrom('Policy' as const, 'Signature' as const),
        fc.nat(1_000),
        fc.constantFrom('A', 'B', 'a', '0', '9', '-', '~', '_'),
        (field, position, character) => {
          const text = signed[field];
          const index = position % text.length;
          const changed = text.slice(0, index) + character + text.slice(index + 1);
          // The last character of base64 may hold bits that mean nothing.
          fc.pre(decoded(changed) !== decoded(text));
          const query = queryOf({ ...signed, [field]: changed });
          expect(edge.check({ url: `/live/goal/index.m3u8?${query}` })).toMatchObject({ kind: 'refused' });
        },
      ),
    );
  });

  it('lasts as long as promised, a step longer at most, and the same for all who come within a step', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1e9 }),
        fc.string({ minLength: 1 }),
        fc.constantFrom(900_000, 12_000, 1_500),
        (elapsedMs, streamId, ttlMs) => {
          const nowMs = START_MS + elapsedMs;
          const stepMs = Math.min(60_000, ttlMs);
          const expiryMs = playbackExpiryMs(nowMs, { ttlMs, stepMs, streamId });
          expect(expiryMs - nowMs).toBeGreaterThanOrEqual(ttlMs);
          expect(expiryMs - nowMs).toBeLessThan(ttlMs + stepMs);
          expect(playbackExpiryMs(expiryMs - ttlMs, { ttlMs, stepMs, streamId })).toBe(expiryMs);
        },
      ),
    );
  });

  it('25 streams are signed anew at many moments of the minute, not all at one', () => {
    const options = { ttlMs: 900_000, stepMs: 60_000 };
    const ends = Array.from({ length: 25 }, (_, index) =>
      playbackExpiryMs(START_MS, { ...options, streamId: `camera-${index + 1}` }),
    );
    const atOnce = Math.max(...ends.map((end) => ends.filter((other) => other === end).length));
    expect(atOnce).toBeLessThanOrEqual(4);
  });

  it('a pattern of many stars takes no longer than its text', () => {
    const startedAtMs = performance.now();
    expect(matchesResource('*a'.repeat(40), `${'a'.repeat(2_000)}b`)).toBe(false);
    expect(performance.now() - startedAtMs).toBeLessThan(200);
  });

  it('wildcards match as regular expressions would', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 }),
        fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 }),
        (pattern, text) => {
          const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
          expect(matchesResource(pattern, text)).toBe(expression.test(text));
        },
      ),
    );
  });
});

function decoded(text: string): string {
  return Buffer.from(text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64').toString(
    'hex',
  );
}

/**
 * Signs playback with @aws-sdk/cloudfront-signer. The key comes from the secret store on AWS and from the
 * data folder locally; the edge that checks the signature is CloudFront or our own.
 */
import { getSignedCookies } from '@aws-sdk/cloudfront-signer';
import {
  type SignedFolder,
  type SignedQuery,
  streamPolicy,
  type UrlSigner,
} from '../domain/control/playback.ts';

/** 25 streams, and a few expiry steps that overlap. An RSA signature costs about a millisecond. */
const CACHE_COUNT_MAX = 512;

export interface SigningIdentity {
  /** CloudFront's id of the public key. */
  readonly keyPairId: string;
  /** PEM, RSA 2048. */
  readonly privateKey: string;
}

export class CloudFrontUrlSigner implements UrlSigner {
  readonly #identity: () => Promise<SigningIdentity>;
  readonly #resourceBase: string;
  readonly #cache = new Map<string, SignedQuery>();

  /**
   * @param identity asked each time, so that a rotation takes effect; caches by itself.
   * @param resourceBase scheme and host of playback, wildcards allowed, such as https://live.example.com.
   */
  constructor({
    identity,
    resourceBase,
  }: { identity: () => Promise<SigningIdentity>; resourceBase: string }) {
    this.#identity = identity;
    this.#resourceBase = resourceBase;
  }

  async sign({
    streamId,
    expiresAtMs,
    folder = 'live',
  }: {
    streamId: string;
    expiresAtMs: number;
    folder?: SignedFolder;
  }): Promise<SignedQuery> {
    const { keyPairId, privateKey } = await this.#identity();
    const cacheKey = `${keyPairId} ${folder} ${streamId} ${expiresAtMs}`;
    const cached = this.#cache.get(cacheKey);
    if (cached) return cached;
    // The cookies hold the same three values as a signed URL's query, and are not glued to a URL.
    const cookies = getSignedCookies({
      keyPairId,
      privateKey,
      policy: streamPolicy(this.#resourceBase, streamId, expiresAtMs, folder),
    });
    const signed: SignedQuery = {
      Policy: cookies['CloudFront-Policy'] ?? '',
      Signature: cookies['CloudFront-Signature'],
      'Key-Pair-Id': cookies['CloudFront-Key-Pair-Id'],
    };
    this.#cache.set(cacheKey, signed);
    const oldest = this.#cache.size > CACHE_COUNT_MAX ? this.#cache.keys().next().value : undefined;
    if (oldest !== undefined) this.#cache.delete(oldest);
    return signed;
  }
}

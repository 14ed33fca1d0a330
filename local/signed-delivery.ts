/**
 * The check that CloudFront makes before /live/, for the edge on this machine: the same signatures, the same
 * refusals. What passes may be answered from memory like any other request.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  fromCloudFrontBase64,
  parsePolicy,
  policyRefusal,
  type SignedPolicy,
  signatureOf,
  withoutSignature,
} from '../domain/control/signed-policy.ts';
import type { Clock } from '../domain/timeline.ts';

export interface SignedDeliveryOptions {
  /** PEM of each trusted public key by its Key-Pair-Id; two during a rotation. */
  readonly publicKeys: Readonly<Record<string, string>>;
  /** What policies of this machine begin with, whatever host name a request came by. */
  readonly resourceBase: string;
  readonly clock: Clock;
}

export interface DeliveryRequest {
  /** Path and query, as in the request line. */
  readonly url: string;
  readonly cookie?: string | undefined;
  readonly sourceIp?: string | undefined;
}

export type DeliveryVerdict =
  | { readonly kind: 'ok' }
  /** Answer 403. The reason is for the log and the developer; CloudFront says no more than "denied". */
  | { readonly kind: 'refused'; readonly reason: string };

/** Signatures that were checked already: all viewers of a stream share one for a minute. */
const VERIFIED_COUNT_MAX = 1_000;
/** Nothing that needs decoding or normalizing: what is checked is exactly what is served. */
const PLAIN_PATH =
  /^\/(?:live|recordings)\/[a-z0-9-]{1,40}\/[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

export class SignedDelivery {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #resourceBase: string;
  readonly #clock: Clock;
  readonly #verified = new Map<string, SignedPolicy>();

  constructor({ publicKeys, resourceBase, clock }: SignedDeliveryOptions) {
    this.#keys = new Map(Object.entries(publicKeys).map(([id, pem]) => [id, createPublicKey(pem)]));
    this.#resourceBase = resourceBase;
    this.#clock = clock;
  }

  check({ url, cookie, sourceIp = '' }: DeliveryRequest): DeliveryVerdict {
    const [path = '', queryText = ''] = url.split('?', 2);
    if (!PLAIN_PATH.test(path)) return refused('the path is not one of a stream');
    const query = new URLSearchParams(queryText);
    const signature = signatureOf(query, cookie);
    if (!signature) return refused('there is no complete signature');
    const policy = this.#verifiedPolicy(signature.Policy, signature.Signature, signature['Key-Pair-Id']);
    if (typeof policy === 'string') return refused(policy);
    const rest = withoutSignature(query);
    const refusal = policyRefusal(policy, {
      url: `${this.#resourceBase}${path}${rest === '' ? '' : `?${rest}`}`,
      sourceIp,
      nowMs: this.#clock.nowMs(),
    });
    return refusal === undefined ? { kind: 'ok' } : refused(refusal);
  }

  /** The policy once its signature holds, or why it does not. */
  #verifiedPolicy(policy: string, signature: string, keyPairId: string): SignedPolicy | string {
    const cacheKey = `${keyPairId} ${signature} ${policy}`;
    const cached = this.#verified.get(cacheKey);
    if (cached) return cached;
    const key = this.#keys.get(keyPairId);
    if (!key) return 'the key pair is not known';
    const policyBase64 = fromCloudFrontBase64(policy);
    const signatureBase64 = fromCloudFrontBase64(signature);
    if (policyBase64 === undefined || signatureBase64 === undefined) return 'the signature is malformed';
    const policyBytes = Buffer.from(policyBase64, 'base64');
    // RSA with SHA-1 is what CloudFront takes in every player's URL; it signs nothing of ours but these.
    if (!verify('sha1', policyBytes, key, Buffer.from(signatureBase64, 'base64')))
      return 'the signature does not match the policy';
    const parsed = parsePolicy(policyBytes.toString('utf8'));
    if (!parsed) return 'the policy is malformed';
    this.#remember(cacheKey, parsed);
    return parsed;
  }

  #remember(cacheKey: string, policy: SignedPolicy): void {
    this.#verified.set(cacheKey, policy);
    const oldest = this.#verified.size > VERIFIED_COUNT_MAX ? this.#verified.keys().next().value : undefined;
    if (oldest !== undefined) this.#verified.delete(oldest);
  }
}

function refused(reason: string): DeliveryVerdict {
  return { kind: 'refused', reason };
}

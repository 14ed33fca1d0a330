/**
 * What CloudFront reads in a signed request: the custom policy, its dates, and the URL it is held against
 * (Amazon CloudFront Developer Guide, "Create a signed URL using a custom policy"). The signature itself is
 * checked by whoever holds the public key.
 */
import * as z from 'zod';
import { parseAddress, parseCidr, rangeContains } from './call-address.ts';
import { matchesResource, type SignedQuery } from './playback.ts';

/** CloudFront's own limit is the URL's 8,192 bytes; our policies have about 130. */
export const POLICY_CHAR_COUNT_MAX = 4_096;

const epochSchema = z.strictObject({ 'AWS:EpochTime': z.int().min(1).max(2_147_483_647) });
const policySchema = z.strictObject({
  Statement: z.tuple([
    z.strictObject({
      Resource: z.string().min(1).max(2_048),
      Condition: z.strictObject({
        DateLessThan: epochSchema,
        DateGreaterThan: epochSchema.optional(),
        IpAddress: z.strictObject({ 'AWS:SourceIp': z.string().max(64) }).optional(),
      }),
    }),
  ]),
});
export type SignedPolicy = z.output<typeof policySchema>;

/** @returns undefined for anything that is not one statement in the form above. */
export function parsePolicy(text: string): SignedPolicy | undefined {
  if (text.length > POLICY_CHAR_COUNT_MAX) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = policySchema.safeParse(json);
  return parsed.success ? parsed.data : undefined;
}

/** @returns why the policy does not open the URL, or undefined when it does. */
export function policyRefusal(
  policy: SignedPolicy,
  request: { readonly url: string; readonly sourceIp: string; readonly nowMs: number },
): string | undefined {
  const [{ Resource: resource, Condition: condition }] = policy.Statement;
  if (!matchesResource(resource, request.url)) return 'the policy is for another resource';
  if (request.nowMs >= condition.DateLessThan['AWS:EpochTime'] * 1_000) return 'the policy has expired';
  const from = condition.DateGreaterThan?.['AWS:EpochTime'];
  if (from !== undefined && request.nowMs < from * 1_000) return 'the policy is not valid yet';
  const range = condition.IpAddress?.['AWS:SourceIp'];
  if (range !== undefined && !inRange(range, request.sourceIp)) return 'the policy is for another address';
  return undefined;
}

function inRange(range: string, address: string): boolean {
  const cidr = parseCidr(range.includes('/') ? range : `${range}/32`);
  const bytes = parseAddress(address.replace(/^::ffff:/i, ''));
  return cidr !== undefined && bytes !== undefined && rangeContains(cidr, bytes);
}

/** The three values of a signed request, from the query or else from the cookies; all or none. */
export function signatureOf(
  query: URLSearchParams,
  cookieHeader: string | undefined,
): SignedQuery | undefined {
  const fromQuery = completeSignature((name) => single(query.getAll(name)));
  if (fromQuery || query.has('Policy') || query.has('Signature') || query.has('Key-Pair-Id'))
    return fromQuery;
  const cookies = parseCookies(cookieHeader ?? '');
  return completeSignature((name) => cookies.get(`CloudFront-${name}`));
}

function completeSignature(read: (name: keyof SignedQuery) => string | undefined): SignedQuery | undefined {
  const [Policy, Signature, keyPairId] = [read('Policy'), read('Signature'), read('Key-Pair-Id')];
  return Policy && Signature && keyPairId ? { Policy, Signature, 'Key-Pair-Id': keyPairId } : undefined;
}

function single(values: readonly string[]): string | undefined {
  return values.length === 1 ? values[0] : undefined;
}

/** The first cookie of a name counts: browsers send the one with the longest path first (RFC 6265 §5.4). */
function parseCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(';')) {
    const [name = '', value] = pair.split('=', 2).map((text) => text.trim());
    if (value !== undefined && !cookies.has(name)) cookies.set(name, value);
  }
  return cookies;
}

/** CloudFront's base64: `-` for `+`, `_` for `=`, `~` for `/`. @returns ordinary base64. */
export function fromCloudFrontBase64(text: string): string | undefined {
  if (!/^[A-Za-z0-9~_-]+$/.test(text)) return undefined;
  return text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/');
}

/** The query without the signature: what CloudFront matches, caches by and forwards. */
export function withoutSignature(query: URLSearchParams): string {
  const rest = new URLSearchParams(query);
  for (const name of ['Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm']) rest.delete(name);
  return rest.toString();
}

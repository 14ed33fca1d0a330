/** Checks a request's signature as S3 does (AWS General Reference, "Signature Version 4", header form). */
import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

export function isSignedBy(
  credentials: { readonly accessKeyId: string; readonly secretAccessKey: string },
  request: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders },
): boolean {
  const { method, url, headers } = request;
  const match = AUTHORIZATION.exec(headers.authorization ?? '');
  if (!match) return false;
  const [, accessKeyId = '', date = '', region = '', service = '', signedHeaders = '', signature] = match;
  if (accessKeyId !== credentials.accessKeyId) return false;
  const [path = '', query = ''] = url.split('?');
  const canonicalRequest = [
    method,
    path,
    query.split('&').sort().join('&'),
    ...signedHeaders.split(';').map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    signedHeaders,
    headers['x-amz-content-sha256'],
  ].join('\n');
  const stringToSign = [
    'AWS4-HMAC-SHA256',
    headers['x-amz-date'],
    `${date}/${region}/${service}/aws4_request`,
    createHash('sha256').update(canonicalRequest).digest('hex'),
  ].join('\n');
  let key: string | Buffer = `AWS4${credentials.secretAccessKey}`;
  for (const scope of [date, region, service, 'aws4_request'])
    key = createHmac('sha256', key).update(scope).digest();
  return createHmac('sha256', key).update(stringToSign).digest('hex') === signature;
}

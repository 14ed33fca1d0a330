/**
 * A real S3-compatible server for tests: s3rver (objects on disk, ranges, listings, multi-object deletes, the
 * XML of all of it), behind a front that adds what s3rver lacks and mirror needs:
 *
 * - signatures: s3rver computes another path than the SDK for requests to a bucket, so the front checks them;
 * - conditional writes: `If-None-Match: *` on PUT, answered as S3 does (412 PreconditionFailed);
 * - objects that are whole or not there: s3rver writes into the file that others read;
 * - CreateSession, with which the SDK opens a directory bucket (S3 Express);
 * - faults on demand.
 *
 * What these tests prove is therefore that mirror speaks S3 as documented, not that AWS answers as documented.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from '@20minutes/s3rver';
import { isSignedBy } from './s3-signature.ts';

/** The one account that there is. */
export const S3_CREDENTIALS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

/**
 * What happens to a request instead of a plain answer. `carried-out-unheard`: the server does it, but the
 * connection breaks before the answer; `never`: no answer at all; `listing`: one page of several, which s3rver
 * cannot give (its continuation tokens are made with DES, which OpenSSL 3 no longer has).
 */
export type Fault =
  | { readonly kind: 'answer'; readonly status: number; readonly code: string }
  | { readonly kind: 'listing'; readonly keys: readonly string[]; readonly nextToken?: string }
  | { readonly kind: 'pass' | 'carried-out-unheard' | 'reset' | 'never' };

export class S3Server {
  /** Taken one by one by the next requests. */
  readonly faults: Fault[] = [];
  /** Method, path and headers of every request, in order. */
  readonly requests: { method: string; url: string; headers: IncomingMessage['headers'] }[] = [];
  readonly #s3rver: S3rver;
  readonly #directory: string;
  readonly #answer: RequestListener;
  readonly #server = createServer((request, response) => void this.#handle(request, response));
  /** Everything else of a key waits while it is written. */
  readonly #writing = new Map<string, Promise<void>>();

  private constructor(directory: string, buckets: readonly string[]) {
    this.#directory = directory;
    this.#s3rver = new S3rver({
      silent: true,
      directory,
      vhostBuckets: false,
      configureBuckets: buckets.map((name) => ({ name })),
    });
    // It would otherwise swallow the exceptions of the whole process.
    this.#s3rver.logger.exceptions.unhandle();
    this.#answer = this.#s3rver.callback();
  }

  static async start(...buckets: string[]): Promise<S3Server> {
    const server = new S3Server(await mkdtemp(join(tmpdir(), 'mirror-s3-')), buckets);
    await server.#s3rver.configureBuckets();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get endpoint(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the server does not listen');
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#s3rver.logger.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    this.requests.push({ method, url, headers: { ...headers } });
    const fault = this.faults.shift();
    if (fault?.kind === 'never') return;
    if (fault?.kind === 'reset') return void request.socket.destroy();
    if (fault?.kind === 'answer') {
      request.resume();
      return sendError(response, fault.status, fault.code);
    }
    if (fault?.kind === 'listing') return sendListing(response, fault);
    if (fault?.kind === 'carried-out-unheard') {
      // What s3rver writes goes nowhere, and then the connection breaks.
      const end = response.end.bind(response);
      response.write = () => true;
      response.end = () => {
        request.socket.destroy();
        return end();
      };
    }
    if (!isSignedBy(S3_CREDENTIALS, { method, url, headers })) {
      request.resume();
      return sendError(response, 403, 'SignatureDoesNotMatch');
    }
    if (method === 'GET' && url.includes('?session')) return sendSession(response);
    // s3rver takes a request without a signature for one that may do everything.
    delete headers.authorization;
    // A directory bucket's path begins with an empty name when the endpoint is an address.
    request.url = url.replace('//', '/');
    const path = request.url.split('?')[0] ?? '';
    while (this.#writing.has(path)) await this.#writing.get(path);
    if (method === 'PUT') await this.#put(request, response, path);
    else this.#answer(request, response);
  }

  async #put(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const finished = new Promise<void>((resolve) => response.once('close', resolve));
    this.#writing.set(
      path,
      finished.then(() => void this.#writing.delete(path)),
    );
    const condition = request.headers['if-none-match'];
    const [, bucket = '', ...key] = decodeURIComponent(path).split('/');
    if (condition !== undefined && condition !== '*') return sendError(response, 501, 'NotImplemented');
    if (condition === '*' && (await this.#s3rver.store.existsObject(bucket, key.join('/')))) {
      request.resume();
      return sendError(response, 412, 'PreconditionFailed');
    }
    this.#answer(request, response);
  }
}

function sendError(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

/** S3 API Reference, "ListObjectsV2". */
function sendListing(response: ServerResponse, listing: Extract<Fault, { kind: 'listing' }>): void {
  const contents = listing.keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
  const next = listing.nextToken
    ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${listing.nextToken}</NextContinuationToken>`
    : '<IsTruncated>false</IsTruncated>';
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><ListBucketResult>${next}${contents}</ListBucketResult>`);
}

/** S3 API Reference, "CreateSession". */
function sendSession(response: ServerResponse): void {
  const { accessKeyId, secretAccessKey } = S3_CREDENTIALS;
  const expiration = new Date(Date.now() + 300_000).toISOString();
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(
    `<?xml version="1.0"?><CreateSessionResult><Credentials><SessionToken>session</SessionToken>` +
      `<SecretAccessKey>${secretAccessKey}</SecretAccessKey><AccessKeyId>${accessKeyId}</AccessKeyId>` +
      `<Expiration>${expiration}</Expiration></Credentials></CreateSessionResult>`,
  );
}

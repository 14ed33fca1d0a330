/**
 * The media store on S3: an S3 Express directory bucket for live parts, or any S3 bucket. The SDK takes care of
 * the session tokens of directory buckets.
 *
 * Retries are ours and not the SDK's: a live part is worth something for a second, and the SDK backs off for
 * longer than that.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import type {
  MediaStoreCleaner,
  MediaStoreReader,
  MediaStoreWriter,
  ObjectWriter,
} from '../domain/media-store.ts';
import { storeErrors } from './errors.ts';
import { assertKey, assertPrefix } from './media-store-keys.ts';
import {
  isAmbiguous,
  isConflict,
  isExists,
  isMissingObject,
  storeProblem,
} from './media-store-s3-problems.ts';

/** One attempt; an Express bucket answers in single milliseconds, so what takes this long is lost. */
const LIVE_ATTEMPT_TIMEOUT_MS = 500;
/** A recorded segment or a listing may take longer. */
const BULK_ATTEMPT_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 400;
const MAX_ATTEMPT_COUNT = 4;
const FIRST_RETRY_MS = 20;
/** An origin that starts fetches the windows of 25 streams; a runner uses two or three. */
const MAX_SOCKET_COUNT = 128;
/** DeleteObjects takes 1,000 keys, which is also what one listing returns at most. */
const KEYS_PER_DELETE = 1_000;
/** Keys whose PUT got no clear answer, remembered for the PUT after it. */
const MAX_UNHEARD_COUNT = 1_000;

export interface S3MediaStoreOptions {
  /** A directory bucket's name ends in `--{zone id}--x-s3`. */
  readonly bucket: string;
  readonly region: string;
  /** For stores that are not AWS; the bucket is then part of the path. */
  readonly endpoint?: string;
  /** Absent: the SDK's chain (environment, profile, task role). */
  readonly credentials?: NonNullable<S3ClientConfig['credentials']>;
}

export class S3MediaStore implements MediaStoreWriter, MediaStoreReader, MediaStoreCleaner, ObjectWriter {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #unheard = new Set<string>();

  constructor(options: S3MediaStoreOptions) {
    this.#bucket = options.bucket;
    this.#client = new S3Client({
      region: options.region,
      ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint, forcePathStyle: true }),
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
      maxAttempts: 1,
      // Waiting for "100 Continue" costs a round trip, and parts are smaller than the first window.
      expectContinueHeader: false,
      // CRC32 over some 25 kB is microseconds, and a part damaged on its way is refused instead of stored.
      requestChecksumCalculation: 'WHEN_SUPPORTED',
      responseChecksumValidation: 'WHEN_SUPPORTED',
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        httpAgent: { keepAlive: true, maxSockets: MAX_SOCKET_COUNT },
        httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKET_COUNT },
      },
    });
  }

  async put(
    key: string,
    bytes: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): Promise<'stored' | 'exists'> {
    assertKey(key);
    try {
      await this.#retrying(options.signal, LIVE_ATTEMPT_TIMEOUT_MS, async (signal) => {
        const command = new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: bytes,
          IfNoneMatch: '*',
        });
        await this.#client.send(command, { abortSignal: signal }).catch((error: unknown) => {
          if (isAmbiguous(error)) this.#rememberUnheard(key);
          throw error;
        });
      });
    } catch (error) {
      if (!isExists(error)) throw this.#problem(error, options.signal);
      if (!this.#unheard.has(key)) return 'exists';
      // Our own PUT may have arrived although nobody told us. Only its bytes can tell.
      const there = await this.get(key, options);
      if (!there || !Buffer.from(there).equals(bytes)) return 'exists';
    }
    this.#unheard.delete(key);
    return 'stored';
  }

  async write(
    key: string,
    bytes: Uint8Array,
    options: { readonly contentType: string; readonly cacheControl?: string; readonly signal: AbortSignal },
  ): Promise<void> {
    assertKey(key);
    const { signal, contentType, cacheControl } = options;
    try {
      await this.#retrying(signal, BULK_ATTEMPT_TIMEOUT_MS, async (abortSignal) => {
        const command = new PutObjectCommand({
          Bucket: this.#bucket,
          Key: key,
          Body: bytes,
          ContentType: contentType,
          ...(cacheControl === undefined ? {} : { CacheControl: cacheControl }),
        });
        await this.#client.send(command, { abortSignal });
      });
    } catch (error) {
      throw this.#problem(error, signal);
    }
  }

  async get(key: string, options: { readonly signal: AbortSignal }): Promise<Uint8Array | undefined> {
    assertKey(key);
    try {
      return await this.#retrying(options.signal, LIVE_ATTEMPT_TIMEOUT_MS, async (abortSignal) => {
        const command = new GetObjectCommand({ Bucket: this.#bucket, Key: key });
        const { Body } = await this.#client.send(command, { abortSignal });
        return Body?.transformToByteArray();
      });
    } catch (error) {
      if (isMissingObject(error)) return undefined;
      throw this.#problem(error, options.signal);
    }
  }

  async removePrefix(prefix: string): Promise<void> {
    assertPrefix(prefix);
    const never = new AbortController().signal;
    try {
      let token: string | undefined;
      do {
        const list = new ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: prefix,
          MaxKeys: KEYS_PER_DELETE,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        });
        const page = await this.#retrying(never, BULK_ATTEMPT_TIMEOUT_MS, (abortSignal) =>
          this.#client.send(list, { abortSignal }),
        );
        const keys = (page.Contents ?? []).map(({ Key }) => ({ Key }));
        if (keys.length > 0)
          await this.#retrying(never, BULK_ATTEMPT_TIMEOUT_MS, (signal) => this.#deleteAll(keys, signal));
        token = page.NextContinuationToken;
      } while (token !== undefined);
    } catch (error) {
      throw this.#problem(error);
    }
  }

  /** Gives the connections back. */
  close(): void {
    this.#client.destroy();
  }

  async #deleteAll(keys: { Key: string | undefined }[], abortSignal: AbortSignal): Promise<void> {
    const command = new DeleteObjectsCommand({
      Bucket: this.#bucket,
      Delete: { Objects: keys, Quiet: true },
    });
    const { Errors = [] } = await this.#client.send(command, { abortSignal });
    const [first] = Errors;
    if (first)
      throw storeErrors.create(
        'FAILED',
        `${Errors.length} objects were not deleted, ${first.Key}: ${first.Code}.`,
      );
  }

  /** Tries again what may pass, soon and a few times, until the caller's signal says that it is too late. */
  async #retrying<Result>(
    signal: AbortSignal,
    timeoutMs: number,
    attempt: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    for (let attemptCount = 1; ; attemptCount += 1) {
      signal.throwIfAborted();
      try {
        return await attempt(AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
      } catch (error) {
        const passing = isConflict(error) || (!isExists(error) && !isMissingObject(error));
        const problem = storeProblem(error);
        if (!passing || !problem.retryable || attemptCount >= MAX_ATTEMPT_COUNT || signal.aborted)
          throw error;
        const delayMs = FIRST_RETRY_MS * 2 ** (attemptCount - 1);
        await sleep(delayMs * (0.5 + Math.random() * 0.5), undefined, { signal });
      }
    }
  }

  #rememberUnheard(key: string): void {
    this.#unheard.add(key);
    const [oldest] = this.#unheard;
    if (oldest !== undefined && this.#unheard.size > MAX_UNHEARD_COUNT) this.#unheard.delete(oldest);
  }

  #problem(error: unknown, signal?: AbortSignal): unknown {
    return signal?.aborted ? signal.reason : storeProblem(error, `Bucket ${this.#bucket}.`);
  }
}

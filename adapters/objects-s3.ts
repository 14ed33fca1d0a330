/**
 * Objects of an S3 bucket for work that is not live: it has minutes, so the SDK's own retries do, and files go up
 * from the disk as they are.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, PutObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { isMissingObject, storeProblem } from './media-store-s3-problems.ts';

const MAX_ATTEMPT_COUNT = 4;
/** One PUT takes 5 GB (S3 User Guide, "Uploading objects"); six hours of recording are 1.3 GB. */
const MAX_FILE_BYTE_COUNT = 5_000_000_000;

export interface ObjectsS3Options {
  readonly bucket: string;
  readonly region: string;
  /** For stores that are not AWS; the bucket is then part of the path. */
  readonly endpoint?: string;
  /** Absent: the SDK's chain (environment, profile, task role). */
  readonly credentials?: NonNullable<S3ClientConfig['credentials']>;
}

/** Every method throws MirrorError `STORE_*`. */
export class ObjectsS3 {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor({ bucket, region, endpoint, credentials }: ObjectsS3Options) {
    this.#bucket = bucket;
    this.#client = new S3Client({
      region,
      maxAttempts: MAX_ATTEMPT_COUNT,
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      ...(credentials === undefined ? {} : { credentials }),
    });
  }

  /** @returns undefined when there is no such object. */
  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      return await Body?.transformToByteArray();
    } catch (error) {
      if (isMissingObject(error)) return undefined;
      throw storeProblem(error, `Bucket ${this.#bucket}, key ${key}.`);
    }
  }

  async write(key: string, bytes: Uint8Array, contentType: string): Promise<void> {
    await this.#put({ Key: key, Body: bytes, ContentLength: bytes.byteLength, ContentType: contentType });
  }

  /** Overwrites. The file must not change meanwhile. */
  async writeFile(key: string, path: string, contentType: string): Promise<void> {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTE_COUNT)
      throw storeProblem(new Error(`${path} has ${size} bytes, more than one PUT takes.`));
    // Known beforehand, the checksum is a header; the SDK would otherwise send the file in pieces with a trailer,
    // which servers other than AWS's keep as part of the object.
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    await this.#put({
      Key: key,
      Body: createReadStream(path),
      ContentLength: size,
      ContentType: contentType,
      ChecksumSHA256: hash.digest('base64'),
    });
  }

  close(): void {
    this.#client.destroy();
  }

  async #put(input: {
    Key: string;
    Body: Uint8Array | ReturnType<typeof createReadStream>;
    ContentLength: number;
    ContentType: string;
    ChecksumSHA256?: string;
  }): Promise<void> {
    try {
      await this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, ...input }));
    } catch (error) {
      throw storeProblem(error, `Bucket ${this.#bucket}, key ${input.Key}.`);
    }
  }
}

/** Where passphrases and keys are kept: Secrets Manager on AWS, the process itself on one machine. */
export interface SecretStore {
  /**
   * Writes or overwrites a secret.
   *
   * @returns the reference by which a runner's task reads it: an ARN on AWS.
   * @throws MirrorError `SECRETS_*`
   */
  put(name: string, value: string): Promise<{ readonly reference: string }>;
  /** @returns undefined when there is no such secret. */
  get(name: string): Promise<string | undefined>;
  /** Removes it at once and for good. Idempotent. */
  remove(name: string): Promise<void>;
}

/** Name of the passphrase of one start. It follows from the ids alone, so a start that died can be cleaned up. */
export function startSecretName(streamId: string, startId: string): string {
  return `streams/${streamId}/starts/${startId}`;
}

/** Name of the passphrase that a caller presents, given at create. */
export function callerSecretName(streamId: string): string {
  return `streams/${streamId}/caller`;
}

/**
 * What the AWS SDK gets in our functions instead of its default credential chain: Lambda puts the credentials of
 * the function's role into the environment (Lambda User Guide, "Defined runtime environment variables"), where
 * the chain would look first. The rest of it (profiles, SSO, web identity, STS, instance metadata) is 330 kB that
 * each cold start would load for nothing.
 */
interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Stands in for `defaultProvider` of @aws-sdk/credential-provider-node: same name, same shape. */
export function defaultProvider(): () => Promise<Credentials> {
  return async () => {
    const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key, AWS_SESSION_TOKEN: token } = process.env;
    if (!id || !key)
      throw new Error(
        'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not in the environment: this bundle is made for Lambda, which sets them.',
      );
    return { accessKeyId: id, secretAccessKey: key, ...(token ? { sessionToken: token } : {}) };
  };
}

import { fileURLToPath } from 'node:url';
import { IgnoreMode } from 'aws-cdk-lib';
import * as assets from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';

const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

/** The image of one of our services, built from the repository at deployment. Synthesis only fingerprints. */
export function serviceImage(dockerfile: string, architecture: 'amd64' | 'arm64'): ecs.ContainerImage {
  return ecs.ContainerImage.fromAsset(repositoryRoot, {
    file: dockerfile,
    platform: architecture === 'arm64' ? assets.Platform.LINUX_ARM64 : assets.Platform.LINUX_AMD64,
    // What belongs to it is said by .dockerignore, for `docker build` and for the fingerprint alike.
    ignoreMode: IgnoreMode.DOCKER,
  });
}

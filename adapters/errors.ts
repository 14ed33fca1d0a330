/** What can go wrong between mirror and the services that it stands on. Listed in docs/errors.md. */
import { defineErrors } from '../domain/errors.ts';

export const storeErrors = defineErrors('STORE', {
  BAD_KEY: {
    retryable: false,
    meaning: 'The object key is not one that a store accepts.',
    remedy:
      'Make keys with the functions of domain/media-store.ts: names of A-Z, a-z, 0-9, . _ - and slashes.',
  },
  FULL: {
    retryable: true,
    meaning: 'The disk of the media store is full.',
    remedy:
      'Free space in the data directory, shorten the retention, or choose another disk with --data-dir.',
  },
  FORBIDDEN: {
    retryable: false,
    meaning: 'The media store refused access.',
    remedy:
      'Disk: give this user write access to the data directory. S3: allow the role s3express:CreateSession (directory bucket) or s3:GetObject and s3:PutObject.',
  },
  NOT_FOUND: {
    retryable: false,
    meaning: 'The bucket or the data directory of the media store does not exist.',
    remedy: 'Check the configured name and region; create the bucket or the directory.',
  },
  NO_LINKS: {
    retryable: false,
    meaning: 'The file system of the data directory has no hard links, which whole-or-nothing writes need.',
    remedy: 'Choose a directory on ext4, xfs, btrfs, APFS or NTFS with --data-dir.',
  },
  THROTTLED: {
    retryable: true,
    meaning: 'The media store asks for fewer requests.',
    remedy:
      'Nothing, if it is rare: the write is tried again. If it lasts, spread streams over more buckets.',
  },
  TIMEOUT: {
    retryable: true,
    meaning: 'The media store did not answer in time.',
    remedy: 'Nothing, if it is rare. If it lasts, check the network path to the store and its health page.',
  },
  UNREACHABLE: {
    retryable: true,
    meaning: 'The media store cannot be reached.',
    remedy: 'Check the endpoint, the region, the DNS, and the security group or gateway endpoint on the way.',
  },
  FAILED: {
    retryable: true,
    meaning: 'The media store answered with an error that mirror does not know.',
    remedy: 'Read the cause in the log line; report it if it is not a passing fault of the store.',
  },
});

export const liveEdgeErrors = defineErrors('LIVE_EDGE', {
  NOT_OPEN: {
    retryable: false,
    meaning: 'A part was appended to a stream that was never opened, or was removed since.',
    remedy: 'Call open() first. If the stream was removed on purpose, stop its runner.',
  },
  UNREACHABLE: {
    retryable: true,
    meaning: 'The live edge (Redis) did not answer in time.',
    remedy: 'Check that Redis runs, that REDIS_URL is right, and that the security group lets this host in.',
  },
  REFUSED: {
    retryable: false,
    meaning: 'The live edge (Redis) refused a command.',
    remedy:
      'Read the cause: a wrong password, missing rights of the user, a full memory, or a read-only replica.',
  },
  BAD_DATA: {
    retryable: false,
    meaning: 'The live edge (Redis) holds an entry that mirror cannot read.',
    remedy: 'Give mirror a Redis of its own, or remove the keys under its prefix while no stream runs.',
  },
});

export const registryErrors = defineErrors('REGISTRY', {
  UNREACHABLE: {
    retryable: true,
    meaning: 'The registry (Redis) did not answer in time.',
    remedy: 'Check that Redis runs, that REDIS_URL is right, and that the security group lets this host in.',
  },
  REFUSED: {
    retryable: false,
    meaning: 'The registry (Redis) refused a command.',
    remedy:
      'Read the cause: a wrong password, missing rights of the user, a full memory, or a read-only replica.',
  },
  BAD_DATA: {
    retryable: false,
    meaning: 'The registry (Redis) holds an entry that mirror cannot read.',
    remedy: 'Give mirror a Redis of its own; the reconciler rebuilds the records of what runs.',
  },
});

export const launcherErrors = defineErrors('LAUNCHER', {
  THROTTLED: {
    retryable: true,
    meaning: 'ECS asks for fewer requests.',
    remedy: 'Start the stream again in a few seconds; ask for a higher API quota if it happens often.',
  },
  DRAINING: {
    retryable: true,
    meaning: 'A service with this name is still draining.',
    remedy: 'Start the stream again: each start makes a name of its own.',
  },
  REFUSED: {
    retryable: false,
    meaning: 'ECS refused the request.',
    remedy: 'Read the cause: a missing right of the role, a cluster, subnet or target group that is gone.',
  },
  UNREACHABLE: {
    retryable: true,
    meaning: 'ECS did not answer.',
    remedy: 'Check the interface endpoint or the NAT on the way, and the health page of the region.',
  },
  RECORD_TOO_LARGE: {
    retryable: false,
    meaning: "The stream's record does not fit into the tags of its service.",
    remedy: 'Shorten the SDP, the list of sources, or the name.',
  },
});

export const secretsErrors = defineErrors('SECRETS', {
  THROTTLED: {
    retryable: true,
    meaning: 'Secrets Manager asks for fewer requests.',
    remedy: 'Try again in a few seconds.',
  },
  REFUSED: {
    retryable: false,
    meaning: 'Secrets Manager refused the request.',
    remedy: 'Read the cause: most often the role lacks a right on the secrets below its prefix.',
  },
  UNREACHABLE: {
    retryable: true,
    meaning: 'Secrets Manager did not answer.',
    remedy: 'Check the interface endpoint or the NAT on the way, and the health page of the region.',
  },
});

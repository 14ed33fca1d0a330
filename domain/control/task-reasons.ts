/**
 * Why an ECS task ended or does not start, in words that tell an operator what to do. Sources: Amazon ECS
 * Developer Guide, "Stopped tasks error messages" and "Service event messages".
 */

export interface StoppedTask {
  /** ECS's own code: TaskFailedToStart, EssentialContainerExited, UserInitiated ... */
  readonly stopCode?: string | undefined;
  readonly stoppedReason?: string | undefined;
  readonly containers: readonly StoppedContainer[];
}

export interface StoppedContainer {
  readonly name: string;
  readonly exitCode?: number | undefined;
  readonly reason?: string | undefined;
}

interface KnownReason {
  readonly pattern: RegExp;
  readonly words: string;
}

/** By what ECS writes into a reason; the first that matches counts. */
const KNOWN_REASONS: readonly KnownReason[] = [
  {
    pattern: /CannotPull(?:Container|ECRContainer|Image)\w*Error|CannotPullImage|pull image|ImagePull/i,
    words:
      "The runner's image could not be pulled. Check that it exists and that the host reaches the registry.",
  },
  {
    pattern: /RESOURCE:GPU/i,
    words: 'No host has a free GPU. Wait for the capacity provider to add one, or raise its maximum.',
  },
  {
    pattern: /RESOURCE:ENI/i,
    words: 'No host has a free network interface. Check that ENI trunking is on.',
  },
  {
    pattern: /RESOURCE:(?:MEMORY|CPU)/i,
    words:
      'No host has enough free memory or CPU. Wait for the capacity provider to add one, or raise its maximum.',
  },
  {
    pattern: /RESOURCE:PORTS?/i,
    words: 'No host has the ports free that the runner needs.',
  },
  {
    pattern: /no container instances|unable to place a task|No Container Instances were found/i,
    words:
      'There is no host to run on. Wait for the capacity provider to start one, or check its scaling group.',
  },
  {
    pattern: /OutOfMemory|OOMKilled|memory usage/i,
    words:
      'The runner ran out of memory. ECS starts it again; raise the memory of the task if it comes back.',
  },
  {
    pattern: /ResourceInitializationError.*secret|unable to (?:pull|retrieve) secrets?/is,
    words:
      "The passphrase could not be read. Check the execution role's right on the secret, and that it exists.",
  },
  {
    pattern: /ResourceInitializationError/i,
    words: 'The task could not be prepared: network, log group or secrets. The detail follows.',
  },
  {
    pattern: /failed (?:ELB|container) health checks?|health checks? failed/i,
    words: 'The runner did not answer its health check, and is started again.',
  },
  {
    pattern:
      /(?:Host EC2|container instance|instance).*(?:terminated|stopped|draining|interrupt)|SpotInterruption/i,
    words: 'The host went away. ECS starts the runner on another one.',
  },
  {
    pattern:
      /CannotStartContainerError|CannotCreateContainerError|ContainerRuntime(?:Timeout)?Error|DockerTimeoutError/i,
    words: 'The host could not start the container. ECS tries again, on another host if it can.',
  },
  {
    pattern: /TASK_PLACEMENT_FAILURE/,
    words: 'No host could take the runner. Wait for the capacity provider to add one, or raise its maximum.',
  },
  {
    pattern: /TASK_START_IMPAIRED/,
    words: 'The runner ends again and again as soon as it starts. Its log says why.',
  },
  { pattern: /Scaling activity initiated by/i, words: 'It was stopped by its service.' },
];

/** Exit codes of the runner's container. 128 + n is signal n. */
const EXIT_CODES: Readonly<Record<number, string>> = {
  137: 'The runner was killed, most often because it ran out of memory (exit code 137).',
  139: 'The runner crashed in native code (exit code 139).',
  134: 'The runner aborted (exit code 134).',
  143: 'The runner was asked to end (exit code 143).',
};

/** One line for the record: what happened, and ECS's own words behind it. */
export function reasonOfStoppedTask({ stopCode, stoppedReason, containers }: StoppedTask): string {
  const container = containers.find(({ reason }) => reason) ?? containers[0];
  const texts = [container?.reason, stoppedReason].filter((text) => text !== undefined && text !== '');
  for (const text of texts) {
    const known = KNOWN_REASONS.find(({ pattern }) => pattern.test(text ?? ''));
    if (known) return `${known.words} (${text})`;
  }
  const exited = containers.find(({ exitCode }) => exitCode !== undefined && exitCode !== 0);
  if (exited?.exitCode !== undefined)
    return EXIT_CODES[exited.exitCode] ?? `The runner ended with exit code ${exited.exitCode}.`;
  if (texts[0] !== undefined) return texts[0];
  return `The runner's task stopped${stopCode === undefined ? '' : ` (${stopCode})`}.`;
}

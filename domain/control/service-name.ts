/** Names of ECS services: which environment, which stream, which of its starts. */

export interface StartIds {
  readonly streamId: string;
  readonly startId: string;
}

/** At most 10 + 30 + 40 + 32 characters; ECS takes 255 of letters, digits, hyphens and underscores. */
export function serviceNameOf(environmentName: string, { streamId, startId }: StartIds): string {
  return `mirror-${environmentName}-${streamId}-${startId}`;
}

/** @returns undefined for names of other environments and of other people's services. */
export function startOfServiceName(environmentName: string, serviceName: string): StartIds | undefined {
  const prefix = `mirror-${environmentName}-`;
  if (!serviceName.startsWith(prefix)) return undefined;
  const match = /^([a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?)-([a-z0-9]{8,32})$/.exec(
    serviceName.slice(prefix.length),
  );
  const [, streamId, startId] = match ?? [];
  return streamId !== undefined && startId !== undefined ? { streamId, startId } : undefined;
}

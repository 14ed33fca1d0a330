/** Addresses of one machine, as who is at another machine must write them. Pure. */

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** Whether a host name leads to the machine alone on which it is used. @param host brackets of IPv6 may be there. */
export function isLoopback(host: string): boolean {
  const bare = withoutBrackets(host);
  return LOOPBACK.has(bare) || bare.endsWith('.localhost');
}

/**
 * The host by which a service of the page's machine is reached from where the page is seen.
 *
 * @param pageHost host name of the page: another machine reaches a single one by it.
 */
export function reachableHost(host: string, pageHost: string): string {
  return isLoopback(host) && !isLoopback(pageHost) ? withoutBrackets(pageHost) : host;
}

/** As `reachableHost`, for a whole address, which `URL` could not change: srt has no special scheme. */
export function reachableUrl(url: string, pageHost: string): string {
  return url.replace(/^(\w+:\/\/)(\[[^\]]*\]|[^:/?]+)/, (_all, scheme: string, host: string) => {
    const reachable = reachableHost(withoutBrackets(host), pageHost);
    return `${scheme}${reachable.includes(':') ? `[${reachable}]` : reachable}`;
  });
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

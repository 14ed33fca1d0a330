/** Resolves the host that an SRT caller is sent to, and holds every address against the rules. */
import { type CallAddressRules, parseAddress } from '../../domain/control/call-address.ts';
import { controlErrors } from '../../domain/control/errors.ts';
import type { StreamIngest } from '../../domain/control/ingest-request.ts';
import { messageOf } from '../../domain/errors.ts';

/** All addresses of a host name. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/**
 * @returns the address to call: the first of those the name resolves to. One refused address refuses the
 * name, because the one who answers the query chooses the order.
 * @throws MirrorError `CONTROL_ADDRESS_REFUSED`
 */
export async function checkedCallAddress(
  ingest: StreamIngest,
  { rules, resolveHost }: { rules: CallAddressRules; resolveHost: ResolveHost },
): Promise<string | undefined> {
  if (ingest.protocol !== 'srt-caller') return undefined;
  const addresses = parseAddress(ingest.host) ? [ingest.host] : await resolved(ingest.host, resolveHost);
  for (const address of addresses) {
    const refusal = rules.refusalOf(address);
    if (refusal) throw controlErrors.create('ADDRESS_REFUSED', `"${ingest.host}" is ${refusal}.`);
  }
  return addresses[0];
}

async function resolved(host: string, resolveHost: ResolveHost): Promise<readonly string[]> {
  // Texts such as 127.1, 0x7f.1 or 2130706433 are addresses to some resolvers and names to others.
  const lastLabel = host.replace(/\.$/, '').split('.').at(-1) ?? '';
  if (/^(?:\d+|0x[0-9a-f]*)$/i.test(lastLabel) || host.includes(':'))
    throw controlErrors.create('ADDRESS_REFUSED', `"${host}" is not a whole IP address.`);
  let addresses: readonly string[];
  try {
    addresses = await resolveHost(host);
  } catch (error) {
    throw controlErrors.create('ADDRESS_REFUSED', `"${host}" does not resolve: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  if (addresses.length === 0) throw controlErrors.create('ADDRESS_REFUSED', `"${host}" has no address.`);
  return addresses;
}

/**
 * Which addresses an SRT caller may be sent to. A stream's operator names a host, and our machine connects to
 * it from inside the network: without these rules the API could be used to reach what only we can reach
 * (server-side request forgery). Names are resolved by the caller of this module, and every address they
 * resolve to must pass.
 */

/** Ranges that are never called unless the configuration allows them. IANA special-purpose registries. */
const REFUSED: readonly { readonly cidr: string; readonly why: string }[] = [
  { cidr: '0.0.0.0/8', why: 'this network' },
  { cidr: '10.0.0.0/8', why: 'private' },
  { cidr: '100.64.0.0/10', why: 'carrier-grade NAT' },
  { cidr: '127.0.0.0/8', why: 'loopback' },
  // 169.254.169.254 and 169.254.170.2 answer with credentials on AWS.
  { cidr: '169.254.0.0/16', why: 'link-local and metadata' },
  { cidr: '172.16.0.0/12', why: 'private' },
  { cidr: '192.0.0.0/24', why: 'IETF protocol assignments' },
  { cidr: '192.0.2.0/24', why: 'documentation' },
  { cidr: '192.88.99.0/24', why: '6to4 relay' },
  { cidr: '192.168.0.0/16', why: 'private' },
  { cidr: '198.18.0.0/15', why: 'benchmarking' },
  { cidr: '198.51.100.0/24', why: 'documentation' },
  { cidr: '203.0.113.0/24', why: 'documentation' },
  { cidr: '224.0.0.0/4', why: 'multicast' },
  { cidr: '240.0.0.0/4', why: 'reserved and broadcast' },
  { cidr: '::/128', why: 'unspecified' },
  { cidr: '::1/128', why: 'loopback' },
  { cidr: '64:ff9b:1::/48', why: 'local-use NAT64' },
  { cidr: '100::/64', why: 'discard' },
  { cidr: '2001::/23', why: 'IETF protocol assignments' },
  { cidr: '2001:db8::/32', why: 'documentation' },
  { cidr: '3fff::/20', why: 'documentation' },
  { cidr: '5f00::/16', why: 'segment routing' },
  // fd00:ec2::254 is the metadata service on AWS.
  { cidr: 'fc00::/7', why: 'unique local and metadata' },
  { cidr: 'fe80::/10', why: 'link-local' },
  { cidr: 'fec0::/10', why: 'site-local' },
  { cidr: 'ff00::/8', why: 'multicast' },
];

/** IPv6 prefixes that carry an IPv4 address, and the index of its first byte: the inner one decides. */
const EMBEDDED_IPV4: readonly { readonly cidr: string; readonly firstByteIndex: number }[] = [
  { cidr: '::ffff:0:0/96', firstByteIndex: 12 },
  { cidr: '::ffff:0:0:0/96', firstByteIndex: 12 },
  { cidr: '64:ff9b::/96', firstByteIndex: 12 },
  { cidr: '2002::/16', firstByteIndex: 2 },
  // Deprecated IPv4-compatible addresses; `::` and `::1` are refused before by their own entries.
  { cidr: '::/96', firstByteIndex: 12 },
];

export interface Cidr {
  readonly bytes: Uint8Array;
  readonly bitCount: number;
}

export class CallAddressRules {
  readonly #allowed: readonly Cidr[];

  /** @param allowedRanges CIDRs that the configuration allows although they are refused above. */
  constructor({ allowedRanges }: { readonly allowedRanges: readonly string[] }) {
    this.#allowed = allowedRanges.map((range) => {
      const cidr = parseCidr(range);
      if (!cidr) throw new RangeError(`"${range}" is not a CIDR such as 10.0.0.0/8 or fd00::/8`);
      return cidr;
    });
  }

  /**
   * @param address an IPv4 or IPv6 literal
   * @returns why it is refused, or undefined when it may be called
   */
  refusalOf(address: string): string | undefined {
    const bytes = parseAddress(address);
    if (!bytes) return `"${address}" is not an IP address`;
    return this.#refusalOfBytes(bytes);
  }

  #refusalOfBytes(bytes: Uint8Array): string | undefined {
    if (this.#allowed.some((range) => rangeContains(range, bytes))) return undefined;
    for (const { cidr, why } of REFUSED_CIDRS) if (rangeContains(cidr, bytes)) return `a ${why} address`;
    for (const { cidr, firstByteIndex } of EMBEDDED_CIDRS) {
      if (rangeContains(cidr, bytes))
        return this.#refusalOfBytes(bytes.slice(firstByteIndex, firstByteIndex + 4));
    }
    return undefined;
  }
}

function mustParseCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (!cidr) throw new RangeError(`"${text}" is not a CIDR`);
  return cidr;
}

export function parseCidr(text: string): Cidr | undefined {
  const match = /^([0-9A-Fa-f:.]+)\/(\d{1,3})$/.exec(text);
  const bytes = match?.[1] === undefined ? undefined : parseAddress(match[1]);
  if (!bytes) return undefined;
  const bitCount = Number(match?.[2]);
  return bitCount <= bytes.length * 8 ? { bytes, bitCount } : undefined;
}

export function rangeContains({ bytes: range, bitCount }: Cidr, bytes: Uint8Array): boolean {
  if (range.length !== bytes.length) return false;
  for (let bit = 0; bit < bitCount; bit++) {
    const mask = 0x80 >> (bit & 7);
    if (((range[bit >> 3] ?? 0) & mask) !== ((bytes[bit >> 3] ?? 0) & mask)) return false;
  }
  return true;
}

/** 4 or 16 bytes of an address literal; undefined for anything else, shorthand such as `127.1` included. */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  // Leading zeros are octal to some resolvers and decimal to others: refused, so that all agree.
  if (!parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = wordsOf(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? wordsOf(halves[1] ?? '', true) : [];
  if (!head || !tail) return undefined;
  const missingCount = 8 - head.length - tail.length;
  if (halves.length === 1 ? missingCount !== 0 : missingCount < 1) return undefined;
  const words = [...head, ...Array.from({ length: missingCount }, () => 0), ...tail];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

/** The 16-bit words of one side of `::`; a dotted IPv4 may close the address. */
function wordsOf(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === '') return [];
  const words: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const ipv4 = mayEndDotted && index === parts.length - 1 ? parseIpv4(part) : undefined;
      if (!ipv4) return undefined;
      const [a = 0, b = 0, c = 0, d = 0] = ipv4;
      words.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      words.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return words;
}

const REFUSED_CIDRS = REFUSED.map(({ cidr, why }) => ({ cidr: mustParseCidr(cidr), why }));
const EMBEDDED_CIDRS = EMBEDDED_IPV4.map(({ cidr, firstByteIndex }) => ({
  cidr: mustParseCidr(cidr),
  firstByteIndex,
}));

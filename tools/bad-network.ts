/** `npm run feed` through a bad network: options of its own, and the relay (feeds/relay.ts) that they are for. */
import { parseArgs } from 'node:util';
import { feedErrors } from './feeds/errors.ts';
import { type RelayOptions, UdpRelay } from './feeds/relay.ts';

export const NETWORK_HELP = `
  A bad network on the way, with srt:// and rtp:// over IPv4:
  --loss RATE         share of datagrams that vanish, both ways: 0.05
  --delay MS          added to each
  --jitter MS         added on top: 0 to this
  --reorder RATE      share that arrives 20 ms late, after those sent later
`;

type Network = Pick<RelayOptions, 'lossRate' | 'delayMs' | 'jitterMs' | 'reorderRate'>;
type Target = Pick<RelayOptions, 'targetHost' | 'targetPort'>;

interface NetworkArgs {
  /** Those for the feed itself. */
  readonly args: readonly string[];
  /** Undefined when none was asked for. */
  readonly network: Network | undefined;
}

const OPTIONS = {
  loss: { name: 'lossRate', max: 1 },
  delay: { name: 'delayMs', max: 10_000 },
  jitter: { name: 'jitterMs', max: 10_000 },
  reorder: { name: 'reorderRate', max: 1 },
} as const;

/**
 * Takes what is about the network out of the arguments.
 *
 * @throws MirrorError `FEED_OPTIONS`.
 */
export function takeNetworkArgs(all: readonly string[]): NetworkArgs {
  const { tokens } = parseArgs({
    args: [...all],
    options: Object.fromEntries(Object.keys(OPTIONS).map((key) => [key, { type: 'string' as const }])),
    strict: false,
    tokens: true,
  });
  const network: Record<string, number> = {};
  const taken = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== 'option' || !isNetworkOption(token.name)) continue;
    const { name, max } = OPTIONS[token.name];
    const value = Number(token.value ?? Number.NaN);
    if (!(value >= 0 && value <= max))
      throw feedErrors.create('OPTIONS', `--${token.name} must be a number, 0 to ${max}.`);
    network[name] = value;
    taken.add(token.index);
    if (token.inlineValue === false) taken.add(token.index + 1);
  }
  const args = all.filter((_arg, index) => !taken.has(index));
  return { args, network: taken.size === 0 ? undefined : network };
}

function isNetworkOption(name: string): name is keyof typeof OPTIONS {
  return name in OPTIONS;
}

/**
 * Starts a relay in front of the receiver that `--to` names.
 *
 * @param signal ends it.
 * @returns the arguments with the relay's address in its place.
 * @throws MirrorError `FEED_OPTIONS`.
 */
export async function throughBadNetwork(
  args: readonly string[],
  network: Network,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const at = args.findIndex((arg) => /^(?:--to=)?(?:srt|rtp|rtp\+sdp):/.test(arg));
  const relay = new UdpRelay({ ...targetOf(args[at] ?? ''), ...network });
  const running = relay.run(signal);
  const port = await Promise.race([relay.ready, running.then(() => 0)]);
  return args.map((arg, index) => (index === at ? arg.replace(AUTHORITY, `$1127.0.0.1:${port}`) : arg));
}

const AUTHORITY = /^((?:--to=)?(?:srt|rtp):\/\/)([^:/?[\]]+):(\d+)/;

function targetOf(to: string): Target {
  const [, , targetHost, port] = AUTHORITY.exec(to) ?? [];
  if (targetHost === undefined || port === undefined || /[?&]mode=listener/.test(to))
    throw feedErrors.create(
      'OPTIONS',
      '--loss, --delay, --jitter and --reorder need --to srt://HOST:PORT or rtp://HOST:PORT, which is called.',
    );
  return { targetHost, targetPort: Number(port) };
}

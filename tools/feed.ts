/** `npm run feed -- --to srt://127.0.0.1:9001 ...`: sends one test feed until Ctrl-C. */
import { MirrorError, messageOf } from '../domain/errors.ts';
import { NETWORK_HELP, takeNetworkArgs, throughBadNetwork } from './bad-network.ts';
import { runFeedCommand } from './feeds/command.ts';

const ending = new AbortController();
try {
  const { args, network } = takeNetworkArgs(process.argv.slice(2));
  const sent = network === undefined ? args : await throughBadNetwork(args, network, ending.signal);
  process.exitCode = await runFeedCommand(sent);
  if (args.includes('--help')) process.stdout.write(NETWORK_HELP);
} catch (error) {
  process.stderr.write(`${messageOf(error)}${error instanceof MirrorError ? ` ${error.remedy}` : ''}\n`);
  process.exitCode = 2;
} finally {
  ending.abort();
}

/** `npm run feed -- --to srt://127.0.0.1:9001 ...`: sends one test feed until Ctrl-C. */
import { runFeedCommand } from './feeds/command.ts';

process.exitCode = await runFeedCommand(process.argv.slice(2));

/** What the client can do, and with which words it is asked. */

export const DEFAULT_URL = 'http://localhost:8080';

/** What scripts can rely on. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** The API refused the request: a limit, a conflict, a bad value. */
  refused: 3,
  notFound: 4,
  /** No token, a wrong one, or one without the scope. */
  unauthorized: 5,
  /** The API cannot be reached, or says that it may work later. */
  unavailable: 6,
  /** What was waited for did not come. */
  waitedInVain: 7,
} as const;

export const HELP = `mirror: operate streams and let viewers in.

  mirror streams list [--limit N]
  mirror streams create NAME [--id ID] [--open] [--record] [--start]
                             [--latency MS] [--frame-rate 30|50|60] [--signal-loss last-picture|slate]
                             [--srt-call HOST:PORT | --rtp | --sdp FILE] [--srt-stream-id TEXT]
                             [--source ADDRESS]...
  mirror streams show|start|stop|delete ID
  mirror streams watch ID [--until STATE] [--timeout SECONDS]
  mirror tickets issue VIEWER [--streams ID,ID|*] [--ttl SECONDS]
  mirror viewers count
  mirror open ID [ID...] [--viewer VIEWER]        prints the player's link

Without --srt-call, --rtp or --sdp a stream waits for an SRT caller. The passphrase for --srt-call is read
from MIRROR_PASSPHRASE.

  --url URL      of the environment; MIRROR_URL, or ${DEFAULT_URL}
  --token TOKEN  with the scope the command needs; better given as MIRROR_TOKEN, since others see arguments
  --json         the API's answers as JSON, one document; of watch one line for each change
  --help

Exit codes: 0 done, 2 wrong usage, 3 refused, 4 not found, 5 token missing or without the scope,
6 unreachable or unavailable, 7 waited in vain, 1 anything else.
`;

/** A command line that cannot be understood; the message says what is wrong with it. */
export class UsageError extends Error {}

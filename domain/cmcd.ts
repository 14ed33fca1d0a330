/**
 * What players tell of their viewers' experience: Common Media Client Data, version 2 (CTA-5004-B), in event
 * mode. A page sends one request for all its panes now and then; media requests stay as they are, so that caches
 * and preflights know nothing of it (docs/decisions/viewer-reports-by-cmcd.md).
 */

/** Beside the streams of `/open/`: no stream's path is without a slash behind its id. */
export const CMCD_PATH = '/open/cmcd';
/** CTA-5004-B, "Event mode". */
export const CMCD_CONTENT_TYPE = 'application/cmcd';
/** A report covers this time; the last one of a page is shorter. */
export const CMCD_EVERY_MS = 30_000;
/** One line for each pane, with some to spare. */
export const CMCD_LINES_MAX = 12;
/** A line is about 200 bytes. */
export const CMCD_BODY_BYTES_MAX = 8_192;

/**
 * Keys of our own, which have a hyphen and whose values are strings (CTA-5004-B, "Custom key names"): what
 * happened since the report before, so that a receiver that remembers nobody can add them up.
 */
export const CMCD_COVERED_MS_KEY = 'mirror-covered-ms';
export const CMCD_STALLED_MS_KEY = 'mirror-stalled-ms';
export const CMCD_STALLS_KEY = 'mirror-stalls';
export const CMCD_DROPPED_KEY = 'mirror-dropped';

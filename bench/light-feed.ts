import type { FeedInput } from '../tools/feeds/options.ts';

/** Light for the runners: what plays is the whole rendition all the same, 30 pictures a second and a sound track. */
export const LIGHT_FEED: Partial<FeedInput> = {
  widthPx: 640,
  heightPx: 360,
  frameRate: { num: 15, den: 1 },
  audioCodec: 'none',
};

/**
 * Several runners that begin at once need a minute to become cheap: the just-in-time compiler works for each, and
 * until the first parts are old enough to lend their files (adapters/media-store-disk.ts) each part makes one, a
 * sixth of a runner's cost where many files were deleted lately, as by the bench before this one.
 */
export const RUNNERS_CHEAP_AFTER_MS = 65_000;

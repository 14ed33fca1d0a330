/** What makes feeds easy to tell apart at a glance: colour, slant of the bands, path of the disc, pitch. */
export interface Theme {
  /** Luma at the top of the background; 16 is black, 235 white. */
  readonly luma: number;
  /** Added towards the bottom; a third of it is the step between bands. */
  readonly contrast: number;
  /** Cb and Cr of the background (ITU-R BT.709); 128 is no colour. */
  readonly blueDifference: number;
  readonly redDifference: number;
  readonly discLuma: number;
  readonly discBlueDifference: number;
  readonly discRedDifference: number;
  /** Columns that a band moves per row. */
  readonly slant: number;
  readonly periodXMs: number;
  readonly periodYMs: number;
  /** A whole number, so that one second of it can be repeated without a click. */
  readonly toneHz: number;
}

const PALETTE = [
  { luma: 44, blueDifference: 168, redDifference: 112, disc: [200, 60, 150], slant: 0.5 },
  { luma: 50, blueDifference: 112, redDifference: 166, disc: [190, 160, 100], slant: -0.5 },
  { luma: 48, blueDifference: 112, redDifference: 104, disc: [210, 90, 176], slant: 0 },
  { luma: 46, blueDifference: 150, redDifference: 156, disc: [205, 70, 120], slant: 1 },
  { luma: 58, blueDifference: 92, redDifference: 146, disc: [180, 176, 96], slant: -1 },
  { luma: 52, blueDifference: 146, redDifference: 96, disc: [195, 100, 190], slant: 0.25 },
] as const;

/** C, E, G, A, C, D of a scale in just intonation over 264 Hz: together they make a chord, not a noise. */
const TONES_HZ = [264, 330, 396, 440, 528, 594] as const;

export function themeOf(feedNumber: number): Theme {
  const colours = PALETTE[feedNumber % PALETTE.length] ?? PALETTE[0];
  const [discLuma, discBlueDifference, discRedDifference] = colours.disc;
  return {
    luma: colours.luma,
    contrast: 36,
    blueDifference: colours.blueDifference,
    redDifference: colours.redDifference,
    discLuma,
    discBlueDifference,
    discRedDifference,
    slant: colours.slant,
    periodXMs: 5_000 + 700 * (feedNumber % 7),
    periodYMs: 3_100 + 900 * (feedNumber % 5),
    toneHz: TONES_HZ[feedNumber % TONES_HZ.length] ?? TONES_HZ[0],
  };
}

/** CEA-608 captions of a test feed: each second a new line in roll-up of two rows, one pair of bytes a picture. */

/** Field 1, valid (ATSC A/53 Part 4 §6.2.3). */
const FIELD_1 = 0xfc;
/** CEA-608-E §8.4: commands of channel 1, twice each, since receivers take the second one for safety. */
const ROLL_UP_2 = [0x14, 0x25] as const;
const CARRIAGE_RETURN = [0x14, 0x2d] as const;
const ROW_15 = [0x14, 0x70] as const;
const COLUMNS_MAX = 32;

type Pair = readonly [number, number];

/** The cc_data of one picture: three bytes. */
export function captionsOfPicture(
  pictureIndex: number,
  picturesPerSecond: number,
  textOfSecond: (second: number) => string,
): Uint8Array {
  const second = Math.floor(pictureIndex / picturesPerSecond);
  const place = Math.floor(pictureIndex - second * picturesPerSecond);
  const [first, next] = pairsOf(textOfSecond(second))[place] ?? [0, 0];
  return Uint8Array.of(FIELD_1, withOddParity(first), withOddParity(next));
}

function pairsOf(text: string): readonly Pair[] {
  const codes = Array.from(text.slice(0, COLUMNS_MAX), (letter) => letter.charCodeAt(0) & 0x7f);
  const letters = Array.from(
    { length: Math.ceil(codes.length / 2) },
    (_, index): Pair => [codes[2 * index] ?? 0, codes[2 * index + 1] ?? 0],
  );
  return [ROLL_UP_2, ROLL_UP_2, CARRIAGE_RETURN, CARRIAGE_RETURN, ROW_15, ROW_15, ...letters];
}

function withOddParity(byte: number): number {
  let bits = 0;
  for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits % 2 === 0 ? byte | 0x80 : byte;
}

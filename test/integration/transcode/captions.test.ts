/** CEA-608/708 of a feed comes out of the rendition whole and in order, said once. */
import { describe, expect, test } from 'vitest';
import { captionsOfNalUnit } from '../../../domain/captions.ts';
import { splitAnnexB } from '../../../gpu-runner/packager/annex-b.ts';
import { makeClip } from './clip.ts';
import { runLive } from './live-run.ts';

const CLIP_MS = 2_000;
/** cc_valid and the type of field 1, CEA-608. */
const FIELD_1 = 0xfc;

/** Each picture says its own number in two printable letters; odd parity is not looked at here. */
const numbered = (index: number) =>
  Uint8Array.of(FIELD_1, 0x41 + Math.floor(index / 26), 0x41 + (index % 26));
const asText = (index: number) => String.fromCharCode(...numbered(index).subarray(1));

describe('captions', () => {
  test.each([
    ['HEVC at 30', 'libx265', 30],
    ['H.264 at 30', 'libx264', 30],
    ['H.264 at 60: every second picture is dropped', 'libx264', 60],
    ['H.264 at 20: every second picture is repeated', 'libx264', 20],
  ])('%s', async (_, encoder, rate) => {
    const graph = `color=color=gray:size=640x360:rate=${rate},format=yuv420p`;
    const options = { a53cc: '1' };
    const clip = await makeClip({ video: { graph, encoder, options, captions: numbered } }, CLIP_MS);
    const run = await runLive([{ play: clip }, { waitMs: 300 }]);
    const said = run.video.flatMap(({ bytes }) =>
      splitAnnexB(bytes)
        .flatMap((unit) => captionsOfNalUnit(unit))
        .map(({ first, second }) => String.fromCharCode(first, second)),
    );
    const first = Array.from({ length: 130 }, (__, index) => asText(index)).indexOf(said[0] ?? '');
    expect(said.length).toBeGreaterThan((CLIP_MS / 1_000) * rate * 0.7);
    expect(said).toEqual(said.map((__, index) => asText(first + index)));
  });
});

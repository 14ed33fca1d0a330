/**
 * The bytes of every box, held against files that a person has read. A change of these bytes changes the init
 * segment of every living stream: think of runners of two versions before you accept it.
 */
import { describe, expect, it } from 'vitest';
import { type FoundBox, readBoxes } from '../../../domain/cmaf/box.ts';
import { joinInitSegments } from '../../../domain/cmaf/join-init-segments.ts';
import { writeChunk } from '../../../gpu-runner/packager/chunk.ts';
import { Packager } from '../../../gpu-runner/packager/packager.ts';
import { ENCODER, PROFILE } from './synthetic-frames.ts';

const CONTAINERS = new Set(['moov', 'trak', 'mdia', 'minf', 'dinf', 'stbl', 'mvex', 'moof', 'traf']);

/** One line per box: its place in the tree, its size, its payload. */
function treeOf(bytes: Uint8Array, depth = 0): string {
  const line = ({ type, bytes: whole, payload }: FoundBox) => {
    const head = `${'  '.repeat(depth)}${type} ${whole.byteLength}`;
    if (CONTAINERS.has(type)) return `${head}\n${treeOf(payload, depth + 1)}`;
    return `${head} ${Buffer.from(payload).toString('hex')}\n`;
  };
  return readBoxes(bytes).map(line).join('');
}

describe('golden boxes', () => {
  const { initSegments } = new Packager({ profile: PROFILE, encoder: ENCODER });

  it.each(['video', 'audio'] as const)('the init segment of %s', async (track) => {
    await expect(treeOf(initSegments[track])).toMatchFileSnapshot(`golden/init-${track}.txt`);
  });

  it('the init segment of both tracks', async () => {
    const joined = joinInitSegments(initSegments.video, initSegments.audio);
    await expect(treeOf(joined)).toMatchFileSnapshot('golden/init-av.txt');
  });

  it.each([
    ['video-independent', 'video', [true, false, false]],
    ['video-dependent', 'video', [false, false, false]],
    ['video-independent-inside', 'video', [false, true, false]],
    ['audio', 'audio', [true, true, true, true]],
  ] as const)('the chunk %s', async (name, track, independent) => {
    const chunk = writeChunk({
      track,
      sequenceNumber: 560_000_003,
      decodeTimeTicks: 2_520_000_000_000,
      samples: independent.map((value, index) => ({
        independent: value,
        bytes: Uint8Array.of(index + 1, 0xaa, 0xbb).subarray(0, 1 + (index % 3)),
      })),
    });
    await expect(treeOf(chunk)).toMatchFileSnapshot(`golden/chunk-${name}.txt`);
  });

  it('is the same for the same settings, so that a runner finds its own init segment', () => {
    const again = new Packager({ profile: PROFILE, encoder: ENCODER });
    expect(again.initSegments).toEqual(initSegments);
  });
});

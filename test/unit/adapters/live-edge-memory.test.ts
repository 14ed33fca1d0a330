import { expect, test } from 'vitest';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { entryAt, liveEdgeContract, STREAM_INFO } from '../../contract/live-edge.ts';
import { Recorder } from '../../contract/recorder.ts';

const silent = { error: () => undefined };

liveEdgeContract(async () => {
  const edge = new MemoryLiveEdge({ log: silent });
  return { writer: edge, otherWriter: edge, readers: [edge, edge], close: async () => undefined };
});

test('a follower hears of a part in the same tick in which it is appended', async () => {
  const edge = new MemoryLiveEdge({ log: silent });
  await edge.open('a', STREAM_INFO);
  const follower = new Recorder(edge, 'a');
  await follower.until(() => follower.snapshots.length === 1);
  const appended = edge.append('a', 'video', entryAt(500));
  expect(follower.kinds).toEqual(['part']);
  await appended;
});

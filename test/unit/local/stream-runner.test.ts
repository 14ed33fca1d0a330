import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { StreamRunner } from '../../../local/stream-runner.ts';
import { RecordingLog } from '../ingest/fakes.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mirror-stream-runner-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A runner that says in its log why it cannot run, as the real one does, and ends. */
const FAILING = `process.send({ kind: 'log', level: 'error', event: 'runner-failed',
  fields: { error: 'The disk is gone.', remedy: 'Put it back.' } }, () => process.exit(1));`;

test('a stream whose runner only ever fails says why, and what to do', async () => {
  const file = join(folder, 'runner.mjs');
  await writeFile(file, FAILING);
  const log = new RecordingLog();
  const reasons: string[] = [];
  await new StreamRunner({
    config: {
      spec: { streamId: 'stage', name: 'Stage', ingest: { protocol: 'srt-listener', port: 9_001 } },
      liveEdge: { kind: 'ipc' },
      store: { kind: 'disk', directory: folder },
    },
    program: { file, execArgv: [], workingDirectory: folder },
    liveEdge: new MemoryLiveEdge({ log }),
    streams: {
      setState: (_id, state, reason) => {
        if (state === 'failed') reasons.push(reason ?? '');
      },
      report: () => undefined,
    },
    log,
    nowMs: () => 0,
    sleep: () => Promise.resolve(),
  }).run(new AbortController().signal);
  expect(reasons).toEqual([expect.stringContaining('"The disk is gone. Put it back."')]);
});

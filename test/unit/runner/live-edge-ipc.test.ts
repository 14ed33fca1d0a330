import { beforeEach, describe, expect, it } from 'vitest';
import { IpcLiveEdgeWriter, type RunnerListener, serveRunner } from '../../../adapters/live-edge-ipc.ts';
import { MemoryLiveEdge } from '../../../adapters/live-edge-memory.ts';
import { IpcLog } from '../../../adapters/log-ipc.ts';
import type { ParentMessage, RunnerMessage } from '../../../adapters/runner-ipc.ts';
import type { LiveEdgeWriter, PartEntry, StreamInfo } from '../../../domain/live-edge.ts';

const INFO: StreamInfo = {
  segmentMs: 500,
  partMs: 100,
  video: {
    codecs: 'avc1.64001e',
    widthPx: 640,
    heightPx: 360,
    frameRate: 30,
    timescaleHz: 90_000,
    bitrateBps: 400_000,
  },
  firstMediaSequenceNumber: 10,
};

function entry(partIndex: number): PartEntry {
  return {
    mediaSequenceNumber: 10,
    partIndex,
    durationTicks: 9000,
    independent: true,
    byteCount: 9,
    gap: false,
  };
}

let heard: string[];
let listener: RunnerListener;
beforeEach(() => {
  heard = [];
  listener = {
    onStatus: (status) => void heard.push(status.state),
    onLog: (level, event) => void heard.push(`${level} ${event}`),
    onEnding: (exitCode) => void heard.push(`exit ${exitCode}`),
  };
});

/** A writer and a parent, with a channel between them that copies each message as IPC does. */
function connect(liveEdge: LiveEdgeWriter) {
  let isOpen = true;
  const serve = serveRunner({
    streamId: 'cam-1',
    liveEdge,
    listener,
    send: (message: ParentMessage) => {
      if (message.kind === 'live-edge-result' && isOpen)
        writer.onResult(message.id, structuredClone(message.result));
      return isOpen;
    },
  });
  const send = (message: RunnerMessage) => {
    if (isOpen) serve(structuredClone(message));
    return isOpen;
  };
  const writer = new IpcLiveEdgeWriter({ send });
  const close = () => {
    isOpen = false;
    writer.onDisconnect();
  };
  return { writer, send, serve, close };
}

const quiet = { error: () => undefined };

describe('the live edge over IPC', () => {
  it('is the one of the parent: what is appended there can be followed here', async () => {
    const liveEdge = new MemoryLiveEdge({ log: quiet });
    const { writer } = connect(liveEdge);
    await writer.open('cam-1', INFO);
    await expect(writer.append('cam-1', 'video', entry(0))).resolves.toBe('appended');
    await expect(writer.append('cam-1', 'video', entry(0))).resolves.toBe('duplicate');
    await writer.end('cam-1');
    const snapshot = await new Promise((resolve) => {
      liveEdge.follow('cam-1', { onSnapshot: resolve, onEvent: () => undefined });
    });
    expect(snapshot).toMatchObject({ ended: true, parts: { video: [entry(0)], audio: [] } });
  });

  it('carries an error with its code, its remedy, and whether to try again', async () => {
    const { writer } = connect(new MemoryLiveEdge({ log: quiet }));
    await expect(writer.append('cam-1', 'video', entry(0))).rejects.toMatchObject({
      code: 'LIVE_EDGE_NOT_OPEN',
      retryable: false,
      message: expect.stringContaining('never opened'),
      remedy: expect.stringContaining('Call open()'),
    });
  });

  it('lets a runner write its own stream only', async () => {
    const { writer } = connect(new MemoryLiveEdge({ log: quiet }));
    await expect(writer.open('cam-2', INFO)).rejects.toThrow('for the stream cam-1, not for cam-2');
  });

  it('fails every call when the parent is gone, those that wait and those to come', async () => {
    const hanging: LiveEdgeWriter = {
      open: () => new Promise(() => undefined),
      append: () => new Promise(() => undefined),
      end: () => new Promise(() => undefined),
      remove: () => new Promise(() => undefined),
    };
    const { writer, close } = connect(hanging);
    const waiting = writer.open('cam-1', INFO);
    close();
    await expect(waiting).rejects.toMatchObject({ code: 'LIVE_EDGE_UNREACHABLE', retryable: true });
    await expect(writer.end('cam-1')).rejects.toThrow('parent process is gone');
  });

  it('holds a hundred calls without an answer and no more', async () => {
    const hanging: LiveEdgeWriter = {
      open: () => new Promise(() => undefined),
      append: () => new Promise(() => undefined),
      end: () => new Promise(() => undefined),
      remove: () => new Promise(() => undefined),
    };
    const { writer, close } = connect(hanging);
    const calls = Array.from({ length: 101 }, () =>
      writer.end('cam-1').catch((error: Error) => error.message),
    );
    await expect(calls[100]).resolves.toContain('left 100 calls without an answer');
    close();
  });

  it('takes statuses, log lines and the exit code, and ignores what is no message of a runner', () => {
    const { send, serve } = connect(new MemoryLiveEdge({ log: quiet }));
    const log = new IpcLog({ send, level: 'info', fields: { streamId: 'cam-1' } });
    log.debug('not-heard');
    log.child({ part: 1 }).warn('store-failed', { passphrase: 'never' });
    send({ kind: 'ending', exitCode: 75 });
    for (const noise of [undefined, null, 'text', {}, { kind: 'other' }]) serve(noise);
    expect(heard).toEqual(['warn store-failed', 'exit 75']);
  });
});

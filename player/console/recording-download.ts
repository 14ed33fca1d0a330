/** Saves a recording as one MP4: straight into a file where the browser can, else through memory, up to a limit. */
import { type Recording, type RecordingDependencies, recordingBytes } from './recordings.ts';
import { byteCountInWords } from './words.ts';

/** The part of the File System Access API that is used here; not every browser has it. */
interface FilePicker {
  showSaveFilePicker(options: { suggestedName: string }): Promise<{
    createWritable(): Promise<{
      write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
      close(): Promise<void>;
      abort(): Promise<void>;
    }>;
  }>;
}

/** Five hours at 464 kbps. More does not fit into every tab. */
const MEMORY_BYTE_COUNT_MAX = 1_000_000_000;

export async function saveRecording(
  fileName: string,
  recording: Recording,
  source: RecordingDependencies,
  onProgress: (words: string) => void,
): Promise<'saved' | 'cancelled'> {
  const sink = await sinkFor(fileName);
  if (!sink) return 'cancelled';
  const ending = new AbortController();
  let byteCount = 0;
  try {
    for await (const bytes of recordingBytes(source, recording, ending.signal)) {
      await sink.write(bytes);
      byteCount += bytes.byteLength;
      onProgress(byteCountInWords(byteCount));
    }
    await sink.close();
    return 'saved';
  } catch (error) {
    ending.abort();
    await sink.abort();
    throw error;
  }
}

interface Sink {
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

async function sinkFor(fileName: string): Promise<Sink | undefined> {
  const scope: object = globalThis;
  if (!hasFilePicker(scope)) return memorySink(fileName);
  try {
    const file = await scope.showSaveFilePicker({ suggestedName: fileName });
    return await file.createWritable();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined;
    // Not allowed in this place; memory does it too.
    return memorySink(fileName);
  }
}

function hasFilePicker(scope: object): scope is FilePicker {
  return 'showSaveFilePicker' in scope;
}

function memorySink(fileName: string): Sink {
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let byteCount = 0;
  return {
    write: async (bytes) => {
      byteCount += bytes.byteLength;
      if (byteCount > MEMORY_BYTE_COUNT_MAX)
        throw new Error(
          'This browser cannot keep a recording of that size. Use Chrome or Edge, which write to a file.',
        );
      pieces.push(bytes);
    },
    close: async () => {
      const address = URL.createObjectURL(new Blob(pieces, { type: 'video/mp4' }));
      const link = document.createElement('a');
      link.href = address;
      link.download = fileName;
      link.click();
      URL.revokeObjectURL(address);
      pieces = [];
    },
    abort: async () => {
      pieces = [];
    },
  };
}

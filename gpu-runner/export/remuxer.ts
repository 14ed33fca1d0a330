/** Writes packets of both tracks into one MP4 file, with its index in front (faststart). */
import { Dictionary, FormatContext, type Packet, type Stream } from 'node-av/lib';
import { textOf } from '../transcode/codec-call.ts';
import { exportErrors } from './errors.ts';

export class Remuxer {
  readonly #output = new FormatContext();
  readonly #path: string;
  /** Streams of the output, in the order of the input's. */
  #streams: Stream[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** @param startMs the instant of its first picture, told to those who ask the file. */
  async open(streams: readonly Stream[], startMs: number): Promise<void> {
    check(this.#output.allocOutputContext2(null, 'mp4', this.#path), 'The MP4 cannot be begun');
    check(await this.#output.openOutput(), 'The scratch file cannot be opened');
    this.#streams = streams.map((source) => {
      const stream = this.#output.newStream(null);
      source.codecpar.copy(stream.codecpar);
      stream.codecpar.codecTag = 0;
      stream.timeBase = source.timeBase;
      return stream;
    });
    this.#output.metadata = Dictionary.fromObject({ creation_time: new Date(startMs).toISOString() });
    check(
      await this.#output.writeHeader(Dictionary.fromObject({ movflags: '+faststart' })),
      'The MP4 takes no header',
    );
  }

  /** @param zeroMs the instant, on the recording's own time, that is the beginning of the file. */
  async write(packet: Packet, source: Stream, zeroMs: number): Promise<void> {
    const target = this.#streams[source.index];
    if (!target) return;
    const { num, den } = source.timeBase;
    const zeroTicks = (BigInt(zeroMs) * BigInt(den)) / (BigInt(num) * 1_000n);
    packet.pts -= zeroTicks;
    packet.dts -= zeroTicks;
    packet.rescaleTs(source.timeBase, target.timeBase);
    packet.streamIndex = target.index;
    packet.pos = -1n;
    check(await this.#output.interleavedWriteFrame(packet), 'A frame cannot be written');
  }

  async close(): Promise<void> {
    try {
      if (this.#streams.length > 0) check(await this.#output.writeTrailer(), 'The MP4 cannot be finished');
    } finally {
      await this.#output.closeOutput();
      this.#output.freeContext();
    }
  }
}

function check(code: number, what: string): void {
  if (code < 0) throw exportErrors.create('MEDIA', `${what}: ${textOf(code)}.`);
}

/** A process that connects over SRT, sends half a second of pictures, hangs up, and does it again. */
import { srtUrl } from '../../../tools/feeds/options.ts';
import { encodePictures, pushOverSrt, STREAM_TYPES, TransportStream } from './transport-stream.ts';

const [, , port, visitCount] = process.argv.map(Number);
const pictures = await encodePictures({ videoCodec: 'hevc', gopMs: 500, audioCodec: 'none' }, 15);
const map = { pid: 0x100, streamType: STREAM_TYPES.hevc, version: 0 };
for (let visit = 0; visit < (visitCount ?? 0); visit += 1) {
  const stream = new TransportStream();
  const bytes = pictures.map((each) => Buffer.concat([stream.tables(map), stream.pes(map.pid, each)]));
  await pushOverSrt(srtUrl({ port: port ?? 0 }), bytes, 5);
}

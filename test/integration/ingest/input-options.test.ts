/**
 * Each option is really one that the FFmpeg inside node-av reads. FFmpeg passes over options that it does not
 * know without a word, but a known one with a value that it cannot take makes the opening fail.
 */
import { AV_LOG_QUIET } from 'node-av/constants';
import { Dictionary, FormatContext, InputFormat, Log } from 'node-av/lib';
import { beforeAll, expect, test } from 'vitest';
import { ingestSchema } from '../../../domain/stream.ts';
import { type InputPlan, inputPlan } from '../../../gpu-runner/ingest/input-options.ts';
import { freePort } from './ingest-under-test.ts';

const OPEN_LIMIT_MS = 700;
const SECRETS = { passphrase: 'correct-horse-battery', streamId: 'camera-1' };

/** Values that no option of that name takes. */
const IMPOSSIBLE: Readonly<Record<string, string>> = {
  passphrase: 'short',
  streamid: 'x'.repeat(600),
  protocol_whitelist: 'none',
};

// Each refusal is what is wanted here, and FFmpeg would write three lines about it.
beforeAll(() => Log.setLevel(AV_LOG_QUIET));

/** @returns true when FFmpeg refused within the time that waiting for a feed would take longer than. */
async function isRefused(plan: InputPlan, options: Readonly<Record<string, string>>): Promise<boolean> {
  const context = new FormatContext();
  context.allocContext();
  let isWaiting = false;
  const limit = setInterval(() => {
    isWaiting = true;
    context.interrupt();
  }, OPEN_LIMIT_MS);
  using dictionary = Dictionary.fromObject(options);
  const code = await context.openInput(plan.url, InputFormat.findInputFormat(plan.formatName), dictionary);
  clearInterval(limit);
  await context.closeInput();
  return code < 0 && !isWaiting;
}

async function plans(): Promise<readonly (readonly [string, InputPlan])[]> {
  const port = await freePort();
  const sdp = `v=0\r\nc=IN IP4 127.0.0.1\r\nm=video ${port} RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n`;
  const inputs = [
    { protocol: 'srt-listener', port, ...SECRETS },
    { protocol: 'srt-caller', host: '127.0.0.1', port, ...SECRETS },
    { protocol: 'rtp-mpegts', port },
    { protocol: 'rtp-sdp', sdp },
  ];
  return inputs.map((input) => [input.protocol, inputPlan(ingestSchema.parse(input))] as const);
}

test('an option that FFmpeg does not know is not refused, so this test can tell', async () => {
  const [, plan] = (await plans())[0] ?? [];
  if (plan === undefined) throw new Error('no plan');
  expect(await isRefused(plan, { ...plan.options, latencyms: 'x' })).toBe(false);
});

test.each([0, 1, 2, 3])(
  'every option of ingest %i is refused with an impossible value, so it is read',
  async (index) => {
    const [, plan] = (await plans())[index] ?? [];
    if (plan === undefined) throw new Error('no plan');
    const unread: string[] = [];
    for (const name of Object.keys(plan.options)) {
      const options = { ...plan.options, [name]: IMPOSSIBLE[name] ?? 'no value at all' };
      if (!(await isRefused(plan, options))) unread.push(name);
    }
    expect(unread).toEqual([]);
  },
);

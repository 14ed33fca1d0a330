/**
 * `node --import tsx tools/images.ts build|try [--node-image NAME]`: builds the images of runner and origin, and
 * tries them: a feed over SRT into the runner's container, the stream out of the origin's. Works without any image
 * registry; see tools/containers/.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Architecture, ensureBaseImage } from './containers/base-image.ts';
import { findOrStartDaemon } from './containers/daemon.ts';
import { type Docker, runToEnd } from './containers/docker.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TRIAL = join(ROOT, 'test/containers/trial.ts');

interface Image {
  readonly name: string;
  readonly dockerfile: string;
  readonly architecture: Architecture;
}

/** As the stacks use them (lib/stacks), and the origin for the developer's machine too. */
const IMAGES: readonly Image[] = [
  { name: 'mirror-runner', dockerfile: 'gpu-runner/Dockerfile', architecture: 'amd64' },
  { name: 'mirror-origin', dockerfile: 'origin/Dockerfile', architecture: 'amd64' },
  { name: 'mirror-origin', dockerfile: 'origin/Dockerfile', architecture: 'arm64' },
];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { 'node-image': { type: 'string' } },
});
const [verb] = positionals;
if (verb !== 'build' && verb !== 'try') {
  process.stderr.write('Say what to do: node --import tsx tools/images.ts build|try [--node-image NAME]\n');
  process.exit(2);
}

const daemon = await findOrStartDaemon(join(tmpdir(), 'mirror-containers'));
try {
  if (verb === 'build') for (const image of IMAGES) await build(daemon.docker, image, values['node-image']);
  else process.exitCode = await tryImages(daemon.docker);
} finally {
  await daemon.stop();
}

async function build(docker: Docker, image: Image, nodeImage: string | undefined): Promise<void> {
  const base = async (architecture: Architecture) =>
    nodeImage ?? (await ensureBaseImage(docker, architecture));
  const tag = `${image.name}:${image.architecture}`;
  const startedMs = Date.now();
  const ownArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  await docker.run(
    'build',
    '--file',
    join(ROOT, image.dockerfile),
    '--tag',
    tag,
    '--platform',
    `linux/${image.architecture}`,
    '--network',
    'host',
    '--build-arg',
    `NODE_IMAGE=${await base(image.architecture)}`,
    '--build-arg',
    `BUILD_NODE_IMAGE=${await base(ownArchitecture)}`,
    ROOT,
  );
  const size = Number(await docker.run('image', 'inspect', '--format', '{{.Size}}', tag));
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(0);
  process.stdout.write(`${tag}: ${(size / 1e6).toFixed(0)} MB, built in ${seconds} s\n`);
}

/** In a process of its own: what has used SRT must not start others. */
async function tryImages(docker: Docker): Promise<number> {
  const { exitCode, output } = await runToEnd(process.execPath, [
    '--import',
    'tsx',
    TRIAL,
    ...docker.address,
  ]);
  process.stdout.write(output);
  return exitCode;
}

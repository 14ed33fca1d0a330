import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LOCK = JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } });

/** A project of its own, with the real bootstrap, a program to start, and an npm that says what it is told. */
let project: string;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'mirror-bootstrap-'));
  await mkdir(join(project, 'tools'));
  await mkdir(join(project, 'node_modules'));
  await copyFile(join(ROOT, 'tools/bootstrap.mjs'), join(project, 'tools/bootstrap.mjs'));
  await symlink(join(ROOT, 'node_modules/tsx'), join(project, 'node_modules/tsx'));
  await writeFile(join(project, 'package.json'), '{"type":"module"}');
  await writeFile(join(project, 'package-lock.json'), LOCK);
  await writeFile(join(project, 'npm.js'), `process.stderr.write('npm was called'); process.exit(1);`);
});
afterEach(() => rm(project, { recursive: true, force: true }));

const installed = () => writeFile(join(project, 'node_modules/.package-lock.json'), LOCK);
const program = (text: string) => writeFile(join(project, 'tools/test.ts'), text);

interface Run {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exited: Promise<{ code: number | null; output: string }>;
}

function bootstrap(...args: string[]): Run {
  const child = spawn(process.execPath, ['tools/bootstrap.mjs', ...args], {
    cwd: project,
    env: { ...process.env, npm_execpath: join(project, 'npm.js') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const exited = once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, output }));
  return { child, output: () => output, exited };
}

test('arguments go to the program and its exit code comes back; what npm installed already stays', async () => {
  await installed();
  await program(
    `const words: string[] = process.argv.slice(2); console.log(words.join('|')); process.exit(7);`,
  );
  expect(await bootstrap('test', 'one', '--two=2').exited).toEqual({ code: 7, output: 'one|--two=2\n' });
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s reaches the program once, which ends in its own time',
  async (signal) => {
    await installed();
    await program(`
    let count = 0;
    process.on('${signal}', () => {
      count += 1;
      setTimeout(() => { console.log('signals ' + count); process.exit(3); }, 200);
    });
    setInterval(() => undefined, 1000);
    console.log('ready');`);
    const run = bootstrap('test');
    await expect.poll(run.output, { timeout: 10_000 }).toContain('ready');
    run.child.kill(signal);
    expect(await run.exited).toEqual({ code: 3, output: 'ready\nsignals 1\n' });
  },
);

test('when the shell of npm is killed, as npm does on SIGTERM, the program ends too', async () => {
  await installed();
  await program(`
    process.on('SIGTERM', () => { console.log('ended'); process.exit(0); });
    setTimeout(() => process.exit(1), 15_000);
    console.log('ready');`);
  const shell = spawn('sh', ['-c', '"$NODE" tools/bootstrap.mjs test; exit 0'], {
    cwd: project,
    env: { ...process.env, NODE: process.execPath, npm_lifecycle_event: 'start' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  shell.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await expect.poll(() => output, { timeout: 10_000 }).toContain('ready');
  shell.kill('SIGTERM');
  await expect.poll(() => output, { timeout: 5_000 }).toContain('ended');
});

test('a program that a signal killed gives 128 and the number of the signal, as a shell would', async () => {
  await installed();
  await program(`process.kill(process.pid, 'SIGKILL'); setInterval(() => undefined, 1000);`);
  expect((await bootstrap('test').exited).code).toBe(137);
});

test('without the registry the person is told that it cannot be reached', async () => {
  const npm = `process.stderr.write('npm error code EAI_AGAIN\\n'); process.exit(1);`;
  await writeFile(join(project, 'npm.js'), npm);
  const { code, output } = await bootstrap('test').exited;
  expect(code).toBe(1);
  expect(output).toContain('registry cannot be reached');
});

test('another failure of npm is left to its own words, and packages of another version are installed anew', async () => {
  await writeFile(join(project, 'node_modules/.package-lock.json'), LOCK.replace('1.0.0', '0.9.0'));
  const { code, output } = await bootstrap('test').exited;
  expect(code).toBe(1);
  expect(output).toContain('npm was called');
  expect(output).toContain('the lines of npm above say why');
});

test('an unknown command names those there are', async () => {
  expect(await bootstrap('tset').exited).toMatchObject({
    code: 1,
    output: expect.stringContaining('npm test'),
  });
});

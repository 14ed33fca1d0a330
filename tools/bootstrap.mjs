/**
 * What `npm start`, `npm test` and `npm run bench` run first. Plain JavaScript, because it must work before
 * anything is installed: it checks Node's version, installs the packages when they are missing or older than
 * the lock file, and then hands over to TypeScript.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [command = '', ...args] = process.argv.slice(2);

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(
    `mirror needs Node 20.19 or later, and this is ${process.versions.node}. Install it from https://nodejs.org/.`,
  );
}
installPackages();

switch (command) {
  case 'start':
    run('local/main.ts', args);
    break;
  case 'test':
    run('tools/test.ts', args);
    break;
  case 'bench':
    run('bench/main.ts', args);
    break;
  case 'feed':
    run('tools/feed.ts', args);
    break;
  default:
    fail(`Unknown command "${command}". Use npm start, npm test, npm run bench or npm run feed.`);
}

function installPackages() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  const stamp = join(root, 'node_modules', '.mirror-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write('Installing packages (once, a minute or two) ...\n');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0)
    fail('The packages could not be installed: see the lines of npm above. Is the npm registry reachable?');
  writeFileSync(stamp, wanted);
}

function run(file, fileArgs) {
  const env = {
    ...process.env,
    UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16',
    MALLOC_ARENA_MAX: '2',
  };
  const child = spawnSync(process.execPath, ['--import', 'tsx', join(root, file), ...fileArgs], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  process.exit(child.status ?? 1);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

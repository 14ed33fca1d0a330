/**
 * What `npm start`, `npm test` and `npm run bench` run first. Plain JavaScript, because it must work before
 * anything is installed: it checks Node's version, installs the packages when they are missing or older than
 * the lock file, and then hands over to TypeScript. Signals go through to the program, and its exit code
 * comes back.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAMS = {
  start: 'local/main.ts',
  test: 'tools/test.ts',
  bench: 'bench/main.ts',
  feed: 'tools/feed.ts',
  cost: 'tools/cost.ts',
};
/** Node 20.19 is the first with `require` of ES modules, which packages here rely on. */
const LEAST_NODE = [20, 19];
/** How often this looks whether the shell that npm started it from is still there. */
const PARENT_LOOK_MS = 500;
const OFFLINE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|network/;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [command = '', ...args] = process.argv.slice(2);

checkNode();
const program = PROGRAMS[command];
if (!program) fail(`Unknown command "${command}". Use npm start, npm test, or npm run bench, feed or cost.`);
await installPackages();
process.exitCode = await runProgram(program);

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_NODE;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  fail(
    `mirror needs Node ${LEAST_NODE.join('.')} or later, and this is ${process.versions.node}. ` +
      'Install a newer one from https://nodejs.org/ and try again.',
  );
}

async function installPackages() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  const wanted = createHash('sha256').update(lock).digest('hex');
  const stamp = join(root, 'node_modules', '.mirror-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  if (!isInstalled(JSON.parse(lock.toString()))) {
    process.stderr.write('Installing packages (once, a minute or two) ...\n');
    await npmCi();
  }
  writeFileSync(stamp, wanted);
}

/** Whether somebody ran `npm ci` or `npm install` already: npm notes in node_modules what it put there. */
function isInstalled(lock) {
  const notes = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(notes)) return false;
  const installed = JSON.parse(readFileSync(notes, 'utf8')).packages;
  return Object.entries(lock.packages).every(
    ([path, wanted]) => path === '' || wanted.optional || installed[path]?.version === wanted.version,
  );
}

async function npmCi() {
  const npmArgs = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const options = { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] };
  // npm tells its scripts where it is, which spares Windows a shell and works without npm in PATH.
  const npmPath = process.env.npm_execpath;
  const npm = npmPath?.endsWith('.js')
    ? spawn(process.execPath, [npmPath, ...npmArgs], options)
    : spawn('npm', npmArgs, { ...options, shell: process.platform === 'win32' });
  let complaint = '';
  npm.stderr.on('data', (chunk) => {
    process.stderr.write(chunk);
    complaint += chunk;
  });
  const code = await exitOf(npm, 'npm, which comes with Node,');
  if (code === 0) return;
  if (code > 128) process.exit(code);
  fail(
    OFFLINE.test(complaint)
      ? 'The packages could not be fetched: the npm registry cannot be reached. Connect this machine to the ' +
          'internet (or set the proxy: npm config set proxy URL) and try again.'
      : 'The packages could not be installed: the lines of npm above say why.',
  );
}

function runProgram(file) {
  const env = {
    ...process.env,
    // FFmpeg work runs on libuv's threads; four of them would let six streams fall seconds behind.
    UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16',
    // glibc would otherwise give each of those threads an arena of its own.
    MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2',
  };
  const child = spawn(process.execPath, ['--import', 'tsx', join(root, file), ...args], {
    cwd: root,
    env,
    // The channel carries nothing: that it closes tells the program that this process was killed.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  endWithParent(child);
  return exitOf(child, 'Node');
}

/**
 * npm starts this from a shell, and when npm is told to end it tells the shell alone: mirror would run on with
 * nobody to end it, and hold its port. Without npm a program may well outlive what it was started from.
 */
function endWithParent(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    child.kill('SIGTERM');
  }, PARENT_LOOK_MS);
  look.unref();
}

/**
 * Waits for a child while signals go through to it. Ctrl-C in a terminal reaches the child without us, since
 * the terminal signals every process of the group: sent twice it would mean "now, at once".
 */
function exitOf(child, name) {
  const isTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const forward = (signal) => {
    if (signal !== 'SIGINT' || !isTerminal) child.kill(signal);
  };
  const signals = process.platform === 'win32' ? ['SIGINT'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve) => {
    child.once('error', (error) => fail(`${name} could not be started: ${error.message}.`));
    child.once('exit', (code, signal) => {
      for (const one of signals) process.off(one, forward);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

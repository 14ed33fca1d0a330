/**
 * The programs that tests of real services need besides Node, and how they get here: through apt on Debian
 * and Ubuntu, otherwise by the person, who is told in one sentence what to install.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Prerequisite {
  readonly name: string;
  /** Any of these in PATH will do. */
  readonly commands: readonly string[];
  /** An environment variable that names the program, for those who have it elsewhere. */
  readonly variable?: string;
  readonly aptPackages: readonly string[];
}

const PREREQUISITES: readonly Prerequisite[] = [
  { name: 'redis-server', commands: ['redis-server'], aptPackages: ['redis-server'] },
  {
    name: 'Chromium',
    commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    variable: 'CHROMIUM_PATH',
    aptPackages: ['chromium', 'fonts-dejavu-core'],
  },
];

/** @returns undefined when everything is here now, else the sentence that tells the person what to do. */
export function installPrerequisites(): string | undefined {
  const missing = PREREQUISITES.filter(isMissing);
  if (missing.length === 0) return undefined;
  const names = missing.map((one) => one.name).join(' and ');
  const packages = missing.flatMap((one) => one.aptPackages).join(' ');
  if (process.platform === 'win32')
    return `The tests need ${names}, which on Windows means WSL: open a WSL terminal and run npm test there.`;
  if (process.platform === 'darwin')
    return `The tests need ${names}: run "brew install redis && brew install --cask chromium" and try again.`;
  if (!findCommand('apt-get'))
    return `The tests need ${names}: install them with this system's package manager and try again.`;
  const become = privileges();
  if (!become) return `The tests need ${names}: run "sudo apt-get install -y ${packages}" and try again.`;
  process.stderr.write(`Installing ${packages} (once, a minute) ...\n`);
  const failure = aptInstall(become, packages.split(' '));
  if (failure) return `The tests need ${names}, and apt-get could not install ${packages}: ${failure}`;
  const still = missing.filter(isMissing);
  if (still.length === 0) return undefined;
  // Ubuntu's chromium package is an empty one that points to a snap.
  return `The tests need ${still.map((one) => one.name).join(' and ')}: apt-get installed the packages, but not the program. Install it by hand and put it in PATH.`;
}

function isMissing({ commands, variable }: Prerequisite): boolean {
  const named = variable === undefined ? undefined : process.env[variable];
  if (named !== undefined && existsSync(named)) return false;
  return !commands.some(findCommand);
}

/** @returns the words before a command that needs root, none for root itself; undefined when it is denied. */
function privileges(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  // -n: never ask for a password, since the answer could not be typed in CI.
  const allowed = findCommand('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0;
  return allowed ? ['sudo', '-n'] : undefined;
}

/** @returns what apt-get said when it failed. */
function aptInstall(become: readonly string[], packages: readonly string[]): string | undefined {
  const apt = (...args: string[]) => {
    const [command, ...rest] = [...become, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
    return spawnSync(command, [...rest, ...args], { encoding: 'utf8' });
  };
  const install = () => apt('install', '-y', '-q', '--no-install-recommends', ...packages);
  let result = install();
  if (result.status !== 0) {
    // The package lists may never have been fetched, as in a fresh container.
    apt('update', '-q');
    result = install();
  }
  return result.status === 0 ? undefined : result.stderr.trim().split('\n').slice(-3).join(' ');
}

function findCommand(name: string): string | undefined {
  // Debian keeps some programs where only root's PATH looks.
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

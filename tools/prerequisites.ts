/**
 * The programs that tests and benches need besides Node: where they are, and how they get here: through apt on
 * Debian and Ubuntu, otherwise by the person, who is told in one sentence what to install.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

interface Prerequisite {
  /** Any of these will do: a name in PATH, or a place outside it where the program is usually put. */
  readonly commands: readonly string[];
  /** An environment variable that names the program, for those who have it elsewhere. */
  readonly variable?: string;
  readonly aptPackages: readonly string[];
  readonly brewPackage: string;
}

const PREREQUISITES = {
  'redis-server': {
    commands: ['redis-server'],
    aptPackages: ['redis-server'],
    brewPackage: 'redis',
  },
  Chromium: {
    commands: [
      'chromium',
      'chromium-browser',
      'google-chrome',
      'google-chrome-stable',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    variable: 'CHROMIUM_PATH',
    aptPackages: ['chromium', 'fonts-dejavu-core'],
    brewPackage: '--cask chromium',
  },
  ffmpeg: { commands: ['ffmpeg'], aptPackages: ['ffmpeg'], brewPackage: 'ffmpeg' },
} as const satisfies Readonly<Record<string, Prerequisite>>;

export type ProgramName = keyof typeof PREREQUISITES;

/** What is looked up of the environment. */
type Environment = Readonly<Record<string, string | undefined>>;

/** @returns the path of the program; undefined when it is not here. */
export function findProgram(name: ProgramName, environment: Environment = process.env): string | undefined {
  const { commands, variable }: Prerequisite = PREREQUISITES[name];
  const named = variable === undefined ? undefined : environment[variable];
  // Debian keeps some programs where only root's PATH looks.
  const folders = [...(environment['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const places = commands.flatMap((command) =>
    isAbsolute(command) ? [command] : folders.map((folder) => join(folder, command)),
  );
  return (named ? [named, ...places] : places).find(isExecutable);
}

/**
 * Brings what is missing.
 *
 * @param command what the person has typed, to be typed again.
 * @returns undefined when everything is here now, else the sentence that tells the person what to do.
 */
export function installPrograms(names: readonly ProgramName[], command: string): string | undefined {
  const isMissing = (name: ProgramName) => findProgram(name) === undefined;
  const missing = names.filter(isMissing);
  if (missing.length === 0) return undefined;
  const needs = (which: readonly ProgramName[]) => `${command} needs ${which.join(' and ')}`;
  const packages = missing.flatMap((name) => PREREQUISITES[name].aptPackages);
  if (process.platform === 'win32')
    return `${needs(missing)}, which on Windows means WSL: open a WSL terminal and run ${command} there.`;
  if (process.platform === 'darwin') {
    const installs = missing.map((name) => `brew install ${PREREQUISITES[name].brewPackage}`);
    return `${needs(missing)}: run "${installs.join(' && ')}" and try again.`;
  }
  if (!findCommand('apt-get'))
    return `${needs(missing)}: install them with this system's package manager and try again.`;
  const become = privileges();
  if (!become) return `${needs(missing)}: run "sudo apt-get install -y ${packages.join(' ')}" and try again.`;
  process.stderr.write(`Installing ${packages.join(' ')} (once, a minute) ...\n`);
  const failure = aptInstall(become, packages);
  if (failure) return `${needs(missing)}, and apt-get could not install ${packages.join(' ')}: ${failure}`;
  const still = missing.filter(isMissing);
  if (still.length === 0) return undefined;
  // Ubuntu's chromium package is an empty one that points to a snap.
  return `${needs(still)}: apt-get installed the packages, but not the program. Install it by hand and put it in PATH.`;
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

function findCommand(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

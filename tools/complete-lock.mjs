/**
 * Completes package-lock.json. npm leaves a platform's optional package out of the lock when the registry that
 * wrote it does not have it, and `npm ci` then refuses the lock everywhere. Run after `npm install` through
 * such a registry; it does nothing to a lock that is whole.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const OS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const CPU = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const added = [];
for (const owner of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const os = OS.filter((one) => name.split(/[/-]/).includes(one));
    const cpu = CPU.filter((one) => name.split(/[/-]/).includes(one));
    if (lock.packages[path] || os.length !== 1 || cpu.length !== 1) continue;
    // Without an integrity, which only a registry knows; npm fills it in where the package is installed.
    const libc = name.includes('musl')
      ? { libc: ['musl'] }
      : name.endsWith('-gnu')
        ? { libc: ['glibc'] }
        : {};
    lock.packages[path] = { version, cpu, ...(owner.dev ? { dev: true } : {}), ...libc, optional: true, os };
    added.push(name);
  }
}
if (added.length > 0) {
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
}
process.stdout.write(`${added.length} packages of other platforms added\n`);

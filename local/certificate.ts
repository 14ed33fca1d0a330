/** The certificate of `--tls`: the person's own files, or one made here and kept in the data directory. */
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { localErrors } from './errors.ts';
import type { TlsFiles } from './front-server.ts';
import type { StartOptions } from './options.ts';

const VALID_DAYS = 365;
/** A kept certificate is made anew when less of its life than this is left. */
const RENEW_BEFORE_MS = 7 * 86_400_000;

/** @throws MirrorError LOCAL_BAD_CERTIFICATE when a file cannot be read. */
export async function readCertificate(certPath: string, keyPath: string): Promise<TlsFiles> {
  try {
    return { cert: await readFile(certPath, 'utf8'), key: await readFile(keyPath, 'utf8') };
  } catch (error) {
    throw localErrors.create('BAD_CERTIFICATE', error instanceof Error ? `(${error.message})` : undefined, {
      cause: error,
    });
  }
}

/** What `--tls` asks for; undefined without it. */
export async function certificateFor(
  { tls }: Pick<StartOptions, 'tls'>,
  dataDir: string,
  nowMs: number,
): Promise<TlsFiles | undefined> {
  if (!tls) return undefined;
  return tls.files ? readCertificate(tls.files.certPath, tls.files.keyPath) : ownCertificate(dataDir, nowMs);
}

/** The kept certificate when it still holds for this machine's names, or a new one. */
export async function ownCertificate(dataDir: string, nowMs: number): Promise<TlsFiles> {
  const directory = join(dataDir, 'tls');
  const certPath = join(directory, 'cert.pem');
  const keyPath = join(directory, 'key.pem');
  const names = machineNames();
  const kept = await readCertificate(certPath, keyPath).catch(() => undefined);
  if (kept && stillHolds(kept.cert, names, nowMs)) return kept;
  const made = await makeCertificate(names, nowMs);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(certPath, made.cert);
  await writeFile(keyPath, made.key, { mode: 0o600 });
  return made;
}

interface MachineNames {
  readonly dns: readonly string[];
  readonly ip: readonly string[];
}

function machineNames(): MachineNames {
  const addresses = Object.values(networkInterfaces())
    .flat()
    .flatMap((entry) => (entry && !entry.address.startsWith('fe80:') ? [entry.address] : []));
  return {
    dns: [...new Set(['localhost', '*.localhost', hostname()])],
    ip: [...new Set(['127.0.0.1', '::1', ...addresses])],
  };
}

function stillHolds(cert: string, names: MachineNames, nowMs: number): boolean {
  const certificate = new X509Certificate(cert);
  if (Date.parse(certificate.validTo) - nowMs < RENEW_BEFORE_MS) return false;
  return names.ip.every((ip) => certificate.checkIP(ip) !== undefined);
}

async function makeCertificate(names: MachineNames, nowMs: number): Promise<TlsFiles> {
  const made = await generate([{ name: 'commonName', value: 'mirror on this machine' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs - 3_600_000),
    notAfterDate: new Date(nowMs + VALID_DAYS * 86_400_000),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...names.dns.map((value) => ({ type: 2 as const, value })),
          ...names.ip.map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}

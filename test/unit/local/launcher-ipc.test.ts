import { describe, expect, test } from 'vitest';
import { LocalLauncher } from '../../../local/launcher-local.ts';
import { IpcLauncher, serveLauncher } from '../../../local/separate/launcher-ipc.ts';
import { launcherContract, launchRequest } from '../../contract/launcher.ts';

const slot = (slotIndex: number) => ({ publicHost: '127.0.0.1', port: 9001 + slotIndex });

/** Both halves, with messages copied on their way as Node's channel does. */
function bothHalves() {
  const started: string[] = [];
  const behind = new LocalLauncher({
    run: async ({ startId, spec }, signal) => {
      started.push(`${startId} ${'passphrase' in spec.ingest ? spec.ingest.passphrase : ''}`);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  });
  let isThere = true;
  const serve = serveLauncher(behind, (message) => {
    launcher.onMessage(structuredClone(message));
    return true;
  });
  const launcher: IpcLauncher = new IpcLauncher({
    send: (message) => {
      if (isThere) serve(structuredClone(message));
      return isThere;
    },
  });
  return { launcher, behind, started, leave: () => (isThere = false) };
}

launcherContract(async () => {
  const { launcher, behind } = bothHalves();
  return { launcher, slot, settle: async () => {}, visibleText: () => '', close: () => behind.close() };
});

describe('launcher over IPC', () => {
  test('the runner gets the passphrase, and a refusal comes back in its words', async () => {
    const { launcher, behind, started } = bothHalves();
    const request = launchRequest('one', slot(0));
    await launcher.start(request);
    expect(started).toEqual([`${request.startId} ${request.secret?.value}`]);
    await behind.close();
    await expect(launcher.start(launchRequest('two', slot(1)))).rejects.toThrow('The platform is ending.');
  });

  test('without a process behind it, a call fails at once', async () => {
    const { launcher, leave } = bothHalves();
    leave();
    await expect(launcher.list()).rejects.toThrow('The launcher is gone.');
  });

  test('a message that is none is passed over', () => {
    const { launcher, behind } = bothHalves();
    const answers: object[] = [];
    const serve = serveLauncher(behind, (message) => answers.push(message) > 0);
    for (const message of [null, 'x', { kind: 'launcher-call', id: 1, call: { method: 'erase' } }]) {
      serve(message);
      launcher.onMessage(message);
    }
    expect(answers).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import { LocalLauncher } from '../../../local/launcher-local.ts';
import { launcherContract, launchRequest } from '../../contract/launcher.ts';

const slot = (slotIndex: number) => ({ publicHost: '127.0.0.1', port: 9001 + slotIndex });

/** Runs nothing, and remembers who ran when. */
function launcherUnderTest() {
  const events: string[] = [];
  const passphrases: (string | undefined)[] = [];
  const launcher = new LocalLauncher({
    run: async ({ startId, spec }, signal) => {
      events.push(`start ${startId}`);
      passphrases.push('passphrase' in spec.ingest ? spec.ingest.passphrase : undefined);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`end ${startId}`);
    },
  });
  return { launcher, events, passphrases };
}

launcherContract(async () => {
  const { launcher, events } = launcherUnderTest();
  return {
    launcher,
    slot,
    settle: async () => {},
    visibleText: () => events.join('\n'),
    close: () => launcher.close(),
  };
});

describe('local launcher', () => {
  test('the next runner in a slot starts when the last one is gone, and knows its passphrase', async () => {
    const { launcher, events, passphrases } = launcherUnderTest();
    const [first, second] = [launchRequest('first', slot(0)), launchRequest('second', slot(0))];
    await launcher.start(first);
    await Promise.resolve();
    const stopped = launcher.stop({ streamId: 'first', startId: first.startId });
    await launcher.start(second);
    await stopped;
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([`start ${first.startId}`, `end ${first.startId}`, `start ${second.startId}`]);
    expect(passphrases).toEqual([first.secret?.value, second.secret?.value]);
    await launcher.close();
  });

  test('a platform that ends takes every runner with it, and starts no other', async () => {
    const { launcher, events } = launcherUnderTest();
    const request = launchRequest('only', slot(0));
    await launcher.start(request);
    await Promise.resolve();
    await launcher.close();
    expect(events).toEqual([`start ${request.startId}`, `end ${request.startId}`]);
    await expect(launcher.start(launchRequest('late', slot(1)))).rejects.toThrow('ending');
  });
});

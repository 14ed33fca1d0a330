/** Chromium as the benches and end-to-end tests use it. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const CANDIDATES = [
  process.env['MIRROR_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

const FLAGS = [
  '--no-sandbox',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  // A pane in a window that nobody looks at must play as fast as one that is seen.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

/**
 * @param moreFlags come after the others, and win over them.
 * @throws Error that says what to install when there is no Chromium.
 */
export async function launchChromium(moreFlags: readonly string[] = []): Promise<Browser> {
  const executablePath = CANDIDATES.find((path) => path !== undefined && existsSync(path));
  if (executablePath === undefined)
    throw new Error('No Chromium found. On Debian: apt install chromium; or name one in MIRROR_CHROMIUM.');
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...moreFlags] });
}

/** Chromium as the benches and end-to-end tests use it. */
import { type Browser, chromium } from 'playwright-core';
import { findProgram } from '../tools/prerequisites.ts';

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
  const executablePath = findProgram('Chromium');
  if (executablePath === undefined)
    throw new Error('There is no Chromium in PATH. Install it, or name one in CHROMIUM_PATH.');
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...moreFlags] });
}

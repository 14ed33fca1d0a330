import { expect, test } from 'vitest';
import { goldenText } from './golden.ts';
import { synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 120_000;

const HOW_TO_ACCEPT = 'Read the difference. To accept it: npx vitest run --project unit test/unit/stacks -u';

test.each(['dev', 'staging', 'prod'])(
  'what is deployed to %s is what was reviewed',
  async (name) => {
    await expect(goldenText(synthesized(name).assembly), HOW_TO_ACCEPT).toMatchFileSnapshot(
      `golden/${name}.txt`,
    );
  },
  SYNTH_TIMEOUT_MS,
);

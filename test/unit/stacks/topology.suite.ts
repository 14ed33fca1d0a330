import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pageWith, topology } from '../../../bin/topology.ts';
import { synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 120_000;

test(
  'the picture in docs/aws.md is the one that the templates give',
  () => {
    const page = readFileSync(new URL('../../../docs/aws.md', import.meta.url), 'utf8');
    expect(page).toBe(pageWith(page, topology(synthesized('prod').assembly, 'prod')));
  },
  SYNTH_TIMEOUT_MS,
);

import { describe, expect, test } from 'vitest';
import { synthesized } from './synthesized.ts';

const SYNTH_TIMEOUT_MS = 120_000;

describe.each(['dev', 'staging', 'prod'])('environment %s', (name) => {
  test(
    'synthesizes offline with every finding of the rules answered',
    () => {
      const { assembly } = synthesized(name);
      expect(assembly.stacks.map((stack) => stack.stackName).sort()).toEqual(
        [
          'app-delivery',
          'batch',
          'control',
          'edge-protection',
          'media-delivery',
          'network',
          'observability',
          'origin',
          'runner',
          'signing-key',
          'state',
          'storage',
        ].map((part) => `mirror-${name}-${part}`),
      );
    },
    SYNTH_TIMEOUT_MS,
  );
});

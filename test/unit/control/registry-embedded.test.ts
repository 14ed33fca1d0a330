import { describe } from 'vitest';
import { EmbeddedRegistry } from '../../../adapters/registry-embedded.ts';
import type { Registry } from '../../../domain/control/registry.ts';
import { type RegistryHarness, registryContract } from '../../contract/registry.ts';
import { sampleContract } from '../../contract/registry-samples.ts';

describe('EmbeddedRegistry', () => {
  const makeHarness = async (): Promise<RegistryHarness> => ({
    async open(doorCount) {
      const registry = new EmbeddedRegistry({ nowMs: () => Date.now() });
      const others: Registry[] = Array.from({ length: doorCount - 1 }, () => registry);
      return [registry, ...others];
    },
    async close() {},
  });
  registryContract(makeHarness);
  sampleContract(makeHarness);
});

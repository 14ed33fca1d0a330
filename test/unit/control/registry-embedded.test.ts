import { describe } from 'vitest';
import { EmbeddedRegistry } from '../../../adapters/registry-embedded.ts';
import type { Registry } from '../../../domain/control/registry.ts';
import { registryContract } from '../../contract/registry.ts';

describe('EmbeddedRegistry', () => {
  registryContract(async () => ({
    async open(doorCount) {
      const registry = new EmbeddedRegistry({ nowMs: () => Date.now() });
      const others: Registry[] = Array.from({ length: doorCount - 1 }, () => registry);
      return [registry, ...others];
    },
    async close() {},
  }));
});

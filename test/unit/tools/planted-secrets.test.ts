import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PlantedSecretWatch } from '../../../tools/planted-secrets.ts';

// Put together here, or this file's own failures would be taken for one that leaked.
const SECRET = ['a-planted', 'secret-7'].join('-');

describe('planted secrets in the output of a test run', () => {
  test('are found once, wherever the output was cut into chunks', () => {
    const around = fc.string({ maxLength: 300 }).filter((text) => !text.includes('planted'));
    fc.assert(
      fc.property(around, around, fc.array(fc.nat(600), { maxLength: 8 }), (before, after, cuts) => {
        const text = `${before} ${SECRET} ${after}`;
        const watch = new PlantedSecretWatch();
        const edges = [
          0,
          ...cuts.map((cut) => cut % text.length).sort((one, other) => one - other),
          text.length,
        ];
        for (const [index, edge] of edges.entries()) watch.see(text.slice(edges[index - 1] ?? 0, edge));
        expect(watch.found).toHaveLength(1);
        expect(watch.found[0]).toContain(SECRET.slice(0, -1));
      }),
    );
  });

  test('are told from words that only speak of them', () => {
    const watch = new PlantedSecretWatch();
    watch.see('planted-secrets.test.ts > planted secrets are never printed\n');
    watch.see(new TextEncoder().encode('bytes without any'));
    expect(watch.found).toEqual([]);
  });

  test('are reported a few times and not a thousand', () => {
    const watch = new PlantedSecretWatch();
    for (let index = 0; index < 1_000; index++) watch.see(`${SECRET}\n`);
    expect(watch.found).toHaveLength(5);
  });
});

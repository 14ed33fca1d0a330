/** Values made from a JSON Schema: those that it allows, and those that are a little or wholly off. */
import fc from 'fast-check';

export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** What no schema of ours expects: other types, odd numbers, control characters, injections, huge texts. */
export const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    null,
    -1,
    1e308,
    0.5,
    '',
    '\r\nset-cookie: a=b',
    '\u202e',
    '../../etc/passwd',
    '${jndi:ldap://x}',
    "'; DROP TABLE streams; --",
    '{"$ne":1}',
    'x'.repeat(300),
    '169.254.169.254',
    { __proto__: { polluted: true } },
  ),
);

/** @param offPercent how often a place in the value is junk instead of what the schema wants there. */
export function arbitraryOf(schema: JsonSchema, offPercent: number): fc.Arbitrary<unknown> {
  const sound = soundArbitrary(schema, offPercent);
  if (offPercent === 0) return sound;
  return fc.oneof({ arbitrary: sound, weight: 100 - offPercent }, { arbitrary: junk, weight: offPercent });
}

function soundArbitrary(schema: JsonSchema, offPercent: number): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((choice) => arbitraryOf(choice, offPercent)));
  switch (schema.type) {
    case 'object':
      return objectArbitrary(schema, offPercent);
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}, offPercent), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 6, 6),
      });
    case 'integer':
    case 'number':
      return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1_000 });
    case 'boolean':
      return fc.boolean();
    case 'string':
      return stringArbitrary(schema);
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}

function stringArbitrary({ pattern, minLength = 0, maxLength = 40 }: JsonSchema): fc.Arbitrary<string> {
  const text =
    pattern === undefined || pattern.includes('\\p') || pattern.includes('(?:')
      ? fc.stringMatching(/^[a-z0-9]{1,20}$/)
      : fc.stringMatching(new RegExp(pattern));
  return text.filter((value) => value.length >= minLength && value.length <= maxLength);
}

function objectArbitrary(schema: JsonSchema, offPercent: number): fc.Arbitrary<unknown> {
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const value = arbitraryOf(property, offPercent);
    const always = schema.required?.includes(name) === true && offPercent === 0;
    return [name, always ? value : fc.option(value, { nil: undefined, freq: 6 })] as const;
  });
  const known = fc.record(Object.fromEntries(fields));
  if (offPercent === 0) return known;
  return fc
    .tuple(known, fc.option(fc.tuple(fc.string({ maxLength: 12 }), junk), { nil: undefined, freq: 12 }))
    .map(([value, extra]) => (extra ? { ...value, [extra[0]]: extra[1] } : value));
}

/**
 * Checks ECS requests against the SDK's own model: member names, types, required members, all the way down.
 * The schemas are those by which the client serializes; their form is that of @smithy/core.
 */
import * as ecs from '@aws-sdk/client-ecs';

/** What a value may be; a number is a simple type, 64 and 128 added to one are a list and a map of it. */
type Schema = number | readonly unknown[] | (() => Schema);

const LIST_OF = 64;
const MAP_OF = 128;

/** @returns what is wrong with the input of an operation, in words; empty when it is sound. */
export function modelProblems(operation: string, input: unknown): string[] {
  const schema: unknown = Reflect.get(ecs, `${operation}Request$`);
  if (!Array.isArray(schema)) return [`the model has no operation ${operation}`];
  return problemsOf(schema, input, operation);
}

function problemsOf(schema: Schema, value: unknown, path: string): string[] {
  if (typeof schema === 'function') return problemsOf(schema(), value, path);
  if (typeof schema === 'number') return simpleProblems(schema, value, path);
  const [kind] = schema;
  // A schema with traits of its member: [schema, traits].
  if (typeof kind === 'function' || Array.isArray(kind))
    return isSchema(kind) ? problemsOf(kind, value, path) : [`${path}: unknown schema`];
  if (kind === 1) return listProblems(schema[4], value, path);
  if (kind === 2) return mapProblems(schema[5], value, path);
  if (kind === 3 || kind === 4) return structureProblems(schema, value, path);
  // A simple type with traits: [0, namespace, name, traits, type]; or with its member's traits: [type, traits].
  if (kind === 0 && schema.length > 4) return simpleProblems(Number(schema[4]), value, path);
  if (typeof kind === 'number') return simpleProblems(kind, value, path);
  return [`${path}: unknown schema`];
}

function structureProblems(schema: readonly unknown[], value: unknown, path: string): string[] {
  if (!isObject(value)) return [`${path} must be a structure`];
  const [names, schemas, requiredCount = 0] = schema.slice(4, 7);
  if (!Array.isArray(names) || !Array.isArray(schemas)) return [`${path}: unknown schema`];
  const problems = Object.keys(value)
    .filter((name) => !names.includes(name))
    .map((name) => `${path}.${name} is not in the model`);
  names.forEach((name: unknown, index) => {
    const member = value[String(name)];
    const memberSchema: unknown = schemas[index];
    if (member === undefined) {
      if (index < Number(requiredCount)) problems.push(`${path}.${String(name)} is missing`);
    } else if (isSchema(memberSchema))
      problems.push(...problemsOf(memberSchema, member, `${path}.${String(name)}`));
  });
  return problems;
}

function listProblems(element: unknown, value: unknown, path: string): string[] {
  if (!Array.isArray(value)) return [`${path} must be a list`];
  return value.flatMap((item, index) =>
    isSchema(element) ? problemsOf(element, item, `${path}[${index}]`) : [`${path}: unknown schema`],
  );
}

function mapProblems(element: unknown, value: unknown, path: string): string[] {
  if (!isObject(value)) return [`${path} must be a map`];
  return Object.entries(value).flatMap(([key, item]) =>
    isSchema(element) ? problemsOf(element, item, `${path}.${key}`) : [`${path}: unknown schema`],
  );
}

function simpleProblems(code: number, value: unknown, path: string): string[] {
  if (code >= MAP_OF) return mapProblems(code - MAP_OF, value, path);
  if (code >= LIST_OF) return listProblems(code - LIST_OF, value, path);
  const expected = ({ 0: 'string', 1: 'number', 2: 'boolean' } as const)[code];
  if (expected === undefined || typeof value === expected) return [];
  return [`${path} must be a ${expected}`];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'number' || typeof value === 'function' || Array.isArray(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

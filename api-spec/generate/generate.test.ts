import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Ajv } from 'ajv';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { COMMON_ERRORS, ERRORS, WireErrorSchema, type ErrorCode } from '../errors.ts';
import { EVENTS, EVENT_NAMES, Greeting } from '../events.ts';
import type { ApiMethod } from '../method.ts';
import { METHODS, METHOD_NAMES, type MethodName } from '../methods/index.ts';
import { SCOPES } from '../scopes.ts';
import { HIGHEST_API_VERSION, LOWEST_API_VERSION } from '../versions.ts';
import { CLOSE_CODES, LIMITS } from '../wire.ts';
import { asyncApi } from './asyncapi.ts';
import { errorExample } from './example-errors.ts';
import { EVENT_EXAMPLES, GREETING_EXAMPLE, METHOD_EXAMPLES } from './examples.ts';
import { generatedFiles, staleFiles } from './generate.ts';
import { COMPONENTS, documentText, isObject, type JsonObject, type JsonValue } from './json-schema.ts';
import { openApi } from './openapi.ts';
import { referenceText } from './reference.ts';

const ajvOptions = { strict: false, validateFormats: false, allErrors: true };
const errorCodes = Object.keys(ERRORS) as ErrorCode[];
const method = (name: MethodName): ApiMethod => METHODS[name];

describe('generated files', () => {
  it('are what the tables give', () => {
    expect(staleFiles()).toEqual([]);
  });

  it('come out the same twice', () => {
    expect(generatedFiles()).toEqual(generatedFiles());
  });
});

describe('openapi.json', () => {
  const lint = async (document: JsonObject): Promise<readonly string[]> => {
    const config = await createConfig({ extends: ['recommended'], rules: { 'no-ambiguous-paths': 'error' } });
    const problems = await lintFromString({ source: documentText(document), absoluteRef: 'openapi.json', config });
    return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`);
  };

  it('is valid OpenAPI 3.1', async () => {
    expect(await lint(openApi())).toEqual([]);
  });

  it('would be found invalid', async () => {
    const { paths: _, ...rest } = openApi();
    expect(await lint({ ...rest, paths: { '/x': { get: { responses: { 200: { $ref: '#/nowhere' } } } } } })).not.toEqual([]);
  });

  it('has every method with a REST path, the routes for content, and no other', () => {
    const document = openApi();
    const operations = objects(document['paths']).flatMap((item) => objects(item).map((operation) => operation['operationId']));
    const routes = ['contents.upload', 'contents.get', 'contents.delete'];
    expect(operations).toEqual([...METHOD_NAMES.filter((name) => method(name).rest), ...routes]);
  });

  it('has examples that its own schemas accept', () => {
    const document = openApi();
    const contents = findAll(document, (value) => isObject(value['schema']) && 'example' in value);
    expect(contents.length).toBeGreaterThan(METHOD_NAMES.length);
    for (const { schema, example } of contents) expectValid(document, schema, example);
    const { components } = document;
    const errors = objects(isObject(components) ? components['examples'] : undefined);
    expect(errors.length).toBeGreaterThan(COMMON_ERRORS.length);
    for (const { value } of errors) expectValid(document, { $ref: '#/components/schemas/ErrorBody' }, value);
  });
});

describe('asyncapi.json', () => {
  const validate = new Ajv({ ...ajvOptions, meta: false, validateSchema: false }).compile(asyncApiSchema());

  it('is valid AsyncAPI 3.0', () => {
    validate(asyncApi());
    expect(validate.errors ?? []).toEqual([]);
  });

  it('would be found invalid', () => {
    expect(validate({ ...asyncApi(), operations: { one: { action: 'ask' } } })).toBe(false);
  });

  it('has no reference that leads nowhere', () => {
    const document = asyncApi();
    const references = findAll(document, (value) => typeof value['$ref'] === 'string').map(({ $ref }) =>
      typeof $ref === 'string' ? $ref : '',
    );
    expect(references.length).toBeGreaterThan(0);
    expect(references.filter((path) => resolve(document, path) === undefined)).toEqual([]);
  });

  it('has every method as an operation', () => {
    const { operations } = asyncApi();
    expect(Object.keys(isObject(operations) ? operations : {})).toEqual([...METHOD_NAMES, 'greeting', 'event', 'event.gap']);
  });

  it('has examples that its own schemas accept', () => {
    const document = asyncApi();
    const messages = findAll(document, (value) => isObject(value['payload']) && Array.isArray(value['examples']));
    expect(messages).toHaveLength(METHOD_NAMES.length * 2 + EVENT_NAMES.length + 3);
    for (const { payload, examples } of messages) {
      for (const example of objects(examples)) expectValid(document, payload, example['payload']);
    }
  });
});

describe('reference.md', () => {
  const text = referenceText();

  it.each(METHOD_NAMES)('shows params and a result of %s that its schemas accept', (name) => {
    const section = text.slice(text.indexOf(`\n### ${name}\n`)).slice(1);
    const [params, result] = [...section.matchAll(/```json\n([\s\S]*?)\n```/g)].map(([, block = '']): unknown =>
      JSON.parse(block),
    );
    expectAccepted(method(name).params, params);
    expectAccepted(method(name).result, result);
  });

  it('has no link that leads nowhere', () => {
    const anchors = new Set(
      [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const links = [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, target = '']) => target);
    expect(links.filter((target) => !anchors.has(target))).toEqual([]);
  });

  it('has every error, limit and close code', () => {
    for (const name of [...errorCodes, ...Object.keys(LIMITS)]) expect(text).toContain(`\n| \`${name}\` |`);
    for (const { code } of CLOSE_CODES) expect(text).toContain(`\n| ${code} |`);
  });
});

describe('examples', () => {
  it.each(METHOD_NAMES)('of %s fit its schemas', (name) => {
    expectAccepted(method(name).params, METHOD_EXAMPLES[name].params);
    expectAccepted(method(name).result, METHOD_EXAMPLES[name].result);
  });

  it.each(EVENT_NAMES)('of %s fit its schema', (name) => {
    expectAccepted(EVENTS[name].data, EVENT_EXAMPLES[name]);
  });

  it('of errors and of the greeting fit their schemas', () => {
    expectAccepted(Greeting, GREETING_EXAMPLE);
    for (const code of errorCodes) {
      const example = errorExample(code);
      expectAccepted(WireErrorSchema, example);
      expect(JSON.stringify(example)).not.toMatch(/\?|\{\w+\}/);
    }
  });
});

describe('the tables', () => {
  it('name errors that exist, and every error that exists', () => {
    const named = new Set<string>([...COMMON_ERRORS, ...METHOD_NAMES.flatMap((name) => method(name).errors)]);
    expect([...named].sort()).toEqual([...errorCodes].sort());
  });

  it('name each error of a method once', () => {
    for (const name of METHOD_NAMES) {
      const { errors } = method(name);
      expect(new Set(errors).size, name).toBe(errors.length);
      expect(
        errors.filter((code) => new Set<string>(COMMON_ERRORS).has(code)),
        name,
      ).toEqual([]);
    }
  });

  it.each([
    ['ERRORS', Object.keys(ERRORS)],
    ['COMMON_ERRORS', COMMON_ERRORS],
    ['EVENTS', EVENT_NAMES],
    ['SCOPES', Object.keys(SCOPES)],
    ['LIMITS', Object.keys(LIMITS)],
    ['COMPONENTS', Object.keys(COMPONENTS)],
    ['CLOSE_CODES', CLOSE_CODES.map(({ code }) => String(code))],
  ])('%s is sorted', (_, names) => {
    expect(names).toEqual([...names].sort());
  });

  it('have no REST path twice, and none with a placeholder', () => {
    const routes = METHOD_NAMES.flatMap((name) => method(name).rest ?? []).map(({ verb, path }) => `${verb} ${path}`);
    expect(new Set(routes).size).toBe(routes.length);
    expect(routes.filter((route) => !/^(GET|POST|DELETE) \/v1(\/[a-z]+)+$/.test(route))).toEqual([]);
  });

  it('fill the same placeholders in English and Swedish', () => {
    const placeholders = (text: string): readonly string[] => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const code of errorCodes) {
      const { en, sv } = ERRORS[code];
      expect(placeholders(sv.happened), code).toEqual(placeholders(en.happened));
      expect(placeholders(en.action + sv.action), code).toEqual([]);
    }
  });

  it('have versions that the wire speaks', () => {
    const versions = [...METHOD_NAMES.map((name) => method(name).since), ...EVENT_NAMES.map((name) => EVENTS[name].since)];
    expect(versions.filter((since) => since < LOWEST_API_VERSION || since > HIGHEST_API_VERSION)).toEqual([]);
  });
});

it('CHANGES.md names every method and event under a heading for each version', () => {
  const changes = readFileSync(new URL('../CHANGES.md', import.meta.url), 'utf8');
  expect([...METHOD_NAMES, ...EVENT_NAMES].filter((name) => !changes.includes(`\`${name}\``))).toEqual([]);
  for (let version = LOWEST_API_VERSION; version <= HIGHEST_API_VERSION; version++)
    expect(changes).toContain(`\n## Version ${version}\n`);
});

function expectAccepted(schema: TSchema, value: unknown): void {
  expect(Compile(schema).Errors(value)).toEqual([]);
}

/** Against a schema of the document, whose references lead into the document. */
function expectValid(document: JsonObject, schema: JsonValue | undefined, value: JsonValue | undefined): void {
  if (!isObject(schema)) throw new TypeError('not a schema');
  const { components } = document;
  const validate = new Ajv(ajvOptions).compile({ allOf: [schema], components });
  validate(value);
  expect(validate.errors ?? []).toEqual([]);
}

function asyncApiSchema(): JsonObject {
  const path = createRequire(import.meta.url).resolve('@asyncapi/specs/schemas/3.0.0.json');
  return JSON.parse(readFileSync(path, 'utf8')) as JsonObject;
}

function objects(value: JsonValue | undefined): readonly JsonObject[] {
  return typeof value === 'object' && value !== null ? Object.values(value).filter(isObject) : [];
}

/** Every object within `value`, itself included, of which `matches` is true. */
function findAll(value: JsonValue, matches: (object: JsonObject) => boolean): readonly JsonObject[] {
  if (Array.isArray(value)) return value.flatMap((item: JsonValue) => findAll(item, matches));
  if (!isObject(value)) return [];
  return [...(matches(value) ? [value] : []), ...Object.values(value).flatMap((item) => findAll(item, matches))];
}

function resolve(document: JsonObject, path: string): JsonValue | undefined {
  let found: JsonValue | undefined = document;
  for (const name of path.replace(/^#\//, '').split('/')) found = isObject(found) ? found[name] : undefined;
  return found;
}

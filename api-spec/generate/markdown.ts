/** Tables and code blocks of the reference. */
import type { TSchema } from 'typebox';
import { ERRORS } from '../errors.ts';
import { componentName, isObject, plain, type JsonObject, type JsonValue } from './json-schema.ts';

/** Longer texts in an example are cut with an ellipsis. */
const MAX_EXAMPLE_TEXT = 120;
const ERROR_CODES = JSON.stringify(Object.keys(ERRORS));

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function codeList(names: readonly string[]): string {
  return names.length === 0 ? 'none.' : names.map((name) => `\`${name}\``).join(' ');
}

export function codeBlock(language: string, lines: readonly string[]): string {
  return [`\`\`\`${language}`, ...lines, '```'].join('\n');
}

export function jsonBlock(value: object): string {
  const shorten = (_: string, item: unknown): unknown =>
    typeof item === 'string' && item.length > MAX_EXAMPLE_TEXT ? `${item.slice(0, MAX_EXAMPLE_TEXT)}…` : item;
  return codeBlock('json', [JSON.stringify(value, shorten, 2)]);
}

/** One row for each field, those of inner objects with a dot. For a shape that is no object: what it can be. */
export function fieldTable(schema: TSchema): string {
  const json = plain(schema);
  const { description } = json;
  const rows = fieldRows(json, '');
  const isEmpty = rows.length === 0 && json['type'] === 'object';
  const body = isEmpty ? 'No fields.' : rows.length > 0 ? table(['field', 'type', 'meaning'], rows) : `${shapeText(json)}.`;
  return [...(typeof description === 'string' ? [description] : []), body].join('\n\n');
}

function fieldRows(schema: JsonObject, prefix: string): readonly (readonly string[])[] {
  const { properties, required } = schema;
  if (!isObject(properties)) return [];
  return Object.entries(properties).flatMap(([name, field]) => {
    if (!isObject(field)) return [];
    const path = `${prefix}${name}`;
    const isRequired = Array.isArray(required) && required.includes(name);
    return [[`\`${path}\`${isRequired ? '' : ' (optional)'}`, typeText(field), meaning(field)], ...innerRows(field, path)];
  });
}

/** The fields of an object, or of an array's objects; shared shapes have a section of their own. */
function innerRows(field: JsonObject, path: string): readonly (readonly string[])[] {
  const { items } = field;
  if (componentName(field) !== undefined) return [];
  if (!isObject(items)) return fieldRows(field, `${path}.`);
  return componentName(items) === undefined ? fieldRows(items, `${path}[].`) : [];
}

function meaning(field: JsonObject): string {
  if (componentName(field) !== undefined) return '';
  const { description } = field;
  return [...(typeof description === 'string' ? [description] : []), ...bounds(field)].join(' ');
}

function bounds(field: JsonObject): readonly string[] {
  const unit: Readonly<Record<string, string>> = {
    minimum: 'At least N.',
    maximum: 'At most N.',
    maxLength: 'At most N characters.',
    maxItems: 'At most N items.',
  };
  return Object.entries(unit).flatMap(([keyword, sentence]) => {
    const value = field[keyword];
    return typeof value === 'number' ? [sentence.replace('N', String(value))] : [];
  });
}

function typeText(schema: JsonObject): string {
  const name = componentName(schema);
  return name === undefined ? shapeText(schema) : `[${name}](#${name.toLowerCase()})`;
}

function shapeText(schema: JsonObject): string {
  const { anyOf, items, type, properties } = schema;
  const values = schema['enum'];
  if (Array.isArray(values)) {
    if (JSON.stringify(values) === ERROR_CODES) return '[error code](#errors)';
    return values.map((value: JsonValue) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``).join(' or ');
  }
  if (Array.isArray(anyOf)) return anyOf.map((option: JsonValue) => (isObject(option) ? typeText(option) : '')).join(' or ');
  if (isObject(items)) return `array of ${typeText(items)}`;
  if (isObject(properties)) return `object \`{ ${Object.keys(properties).join(', ')} }\``;
  return typeof type === 'string' ? type : 'anything';
}

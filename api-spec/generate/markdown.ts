/** Tables and code blocks of the reference. */
import type { TSchema } from 'typebox';
import { COMPONENTS, componentName, isObject, plain, type JsonObject, type JsonValue } from './json-schema.ts';

/** Longer texts in an example are cut with an ellipsis, unless the schema would refuse them then. */
const MAX_EXAMPLE_TEXT = 120;

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function codeList(names: readonly string[]): string {
  return names.length === 0 ? 'none.' : names.map((name) => `\`${name}\``).join(' ');
}

export function jsonBlock(value: object): string {
  return ['```json', JSON.stringify(value, shorten, 2), '```'].join('\n');
}

/** One row for each field, those of inner objects with a dot. Not an object: what it is, in a sentence. */
export function fieldTable(schema: TSchema): string {
  const json = plain(schema);
  const { description } = json;
  const intro = typeof description === 'string' ? [description] : [];
  const rows = fieldRows(json, '');
  if (rows.length > 0) return [...intro, table(['field', 'type', 'meaning'], rows)].join('\n\n');
  if (json['type'] === 'object' && json['additionalProperties'] === false) return [...intro, 'No fields.'].join('\n\n');
  return [...intro, `One of: ${typeText(json)}`].join('\n\n');
}

function fieldRows(schema: JsonObject, prefix: string): readonly (readonly string[])[] {
  const { properties, required } = schema;
  if (!isObject(properties)) return [];
  return Object.entries(properties).flatMap(([name, field]) => {
    if (!isObject(field)) return [];
    const path = `${prefix}${name}`;
    const isRequired = Array.isArray(required) && required.includes(name);
    const row = [`\`${path}\`${isRequired ? '' : ' (optional)'}`, typeText(field), meaning(field)];
    return [row, ...innerRows(field, path)];
  });
}

/** The fields of an object, or of an array's objects; shared shapes have a section of their own. */
function innerRows(field: JsonObject, path: string): readonly (readonly string[])[] {
  if (componentName(field) !== undefined) return [];
  const { items } = field;
  if (isObject(items)) return componentName(items) === undefined ? fieldRows(items, `${path}[].`) : [];
  return fieldRows(field, `${path}.`);
}

function meaning(field: JsonObject): string {
  const { description } = field;
  const name = componentName(field);
  const own = typeof description === 'string' && (name === undefined || name === 'CardTarget') ? description : '';
  return [own, bounds(field)].filter((text) => text !== '').join(' ');
}

function bounds(field: JsonObject): string {
  const { minimum, maximum, maxLength, maxItems } = field;
  const parts = [
    ...(minimum === undefined ? [] : [`At least ${text(minimum)}.`]),
    ...(maximum === undefined ? [] : [`At most ${text(maximum)}.`]),
    ...(maxLength === undefined ? [] : [`At most ${text(maxLength)} characters.`]),
    ...(maxItems === undefined ? [] : [`At most ${text(maxItems)}.`]),
  ];
  return parts.join(' ');
}

function typeText(schema: JsonObject): string {
  const name = componentName(schema);
  if (name !== undefined && schema !== undefined && !isTopLevel(schema, name)) return `[${name}](#${name.toLowerCase()})`;
  const { anyOf, items, type } = schema;
  const values = schema['enum'];
  if (Array.isArray(values)) return values.map((value: JsonValue) => `\`${text(value)}\``).join(' or ');
  if (Array.isArray(anyOf)) return anyOf.map((option: JsonValue) => (isObject(option) ? typeText(option) : '')).join(' or ');
  if (type === 'array' && isObject(items)) return `array of ${typeText(items)}`;
  if (type === 'object') return objectText(schema);
  return typeof type === 'string' ? type : 'anything';
}

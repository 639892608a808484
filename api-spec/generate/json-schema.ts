/** The API's schemas as plain JSON, with the shapes that several places share as references to one component. */
import type { TSchema } from 'typebox';
import { WireErrorSchema } from '../errors.ts';
import {
  Card,
  CardTarget,
  Certificate,
  Key,
  KeyAlgorithm,
  Pin,
  PinPolicy,
  Reader,
  ReaderSelector,
  Role,
  SignatureAlgorithm,
  TouchPolicy,
} from '../schemas.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Sorted by name. */
export const COMPONENTS: Readonly<Record<string, TSchema>> = {
  Card,
  CardTarget,
  Certificate,
  Key,
  KeyAlgorithm,
  Pin,
  PinPolicy,
  Reader,
  ReaderSelector,
  Role,
  SignatureAlgorithm,
  TouchPolicy,
  WireError: WireErrorSchema,
};

/** An optional field holds a copy of its schema: the same shape is known by its text. */
const namesByText: ReadonlyMap<string, string> = new Map(
  Object.entries(COMPONENTS).map(([name, schema]) => [JSON.stringify(schema), name]),
);

/** The schema with references in place of components. */
export function schemaJson(schema: TSchema): JsonObject {
  return withReferences(plain(schema)) as JsonObject;
}

/** Every component, in a document's `components.schemas`. */
export function componentSchemas(): JsonObject {
  return Object.fromEntries(Object.entries(COMPONENTS).map(([name, schema]) => [name, withReferencesInside(plain(schema))]));
}

export function reference(component: string): JsonObject {
  return { $ref: `#/components/schemas/${component}` };
}

/** The component that a schema is, if it is one. */
export function componentName(schema: JsonValue): string | undefined {
  return namesByText.get(JSON.stringify(schema));
}

/** A schema or an example as JSON alone: TypeBox keeps its own marks in fields that JSON does not show. */
export function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

/** The text of a generated document: the same for the same API. */
export function documentText(document: JsonObject): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withReferences(value: JsonValue): JsonValue {
  const name = componentName(value);
  return name === undefined ? withReferencesInside(value) : reference(name);
}

function withReferencesInside(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => withReferences(item));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withReferences(item)]));
}

/**
 * What fits a schema, taken out of what does not: for reports of drivers, which may hold anything. Nothing is believed to have its type; unknown fields are left,
 * texts and lists are cut, a word that a schema does not know becomes its `x-fallback`. What was left or changed is told, by its place alone: values are personal.
 */
import type { TSchema } from 'typebox';

/** What the keywords of JSON Schema say that our schemas use. */
interface Shape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
  readonly 'x-fallback'?: string;
}

export interface Taken {
  /** Fits the schema. Undefined: nothing of it could be taken. */
  readonly value: unknown;
  /** At most MAX_PROBLEMS, each of one line without what stood there. */
  readonly problems: readonly string[];
  /** Nothing was lost but fields that nobody knows, and ends of long texts. */
  readonly isWhole: boolean;
}

const MAX_PROBLEMS = 16;
/** Of control characters none is left: they would change what a terminal or a log shows. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g;

export function take(schema: TSchema, value: unknown): Taken {
  const problems: string[] = [];
  let isWhole = true;
  const tell: Tell = (place, problem, weight = 'loss') => {
    if (weight === 'loss') isWhole = false;
    if (problems.length < MAX_PROBLEMS) problems.push(`${place === '' ? 'report' : place}: ${problem}`.slice(0, 200));
    return undefined;
  };
  const taken = takeAny(schema, value, '', tell);
  return { value: taken, problems, isWhole };
}

type Tell = (place: string, problem: string, weight?: 'loss' | 'remark') => unknown;

function takeAny(shape: Shape, value: unknown, place: string, tell: Tell): unknown {
  if (shape.enum) return takeWord(shape, value, place, tell);
  if (shape.type === 'object') return takeObject(shape, value, place, tell);
  if (shape.type === 'array') return takeList(shape, value, place, tell);
  if (shape.type === 'string') return takeText(shape, value, place, tell);
  if (shape.type === 'number' || shape.type === 'integer') return takeNumber(shape, value, place, tell);
  return typeof value === 'boolean' ? value : tell(place, 'neither true nor false');
}

function takeWord({ enum: words = [], 'x-fallback': fallback }: Shape, value: unknown, place: string, tell: Tell): unknown {
  if (words.includes(value)) return value;
  tell(place, `no word that belongs here${fallback === undefined ? '' : `: taken for ${fallback}`}`);
  return fallback;
}

function takeObject({ properties = {}, required = [] }: Shape, value: unknown, place: string, tell: Tell): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return tell(place, 'no object');
  const given = value as Readonly<Record<string, unknown>>;
  const taken: Record<string, unknown> = {};
  for (const [name, shape] of Object.entries(properties)) {
    const inner = Object.hasOwn(given, name) ? given[name] : undefined;
    const fitting = inner === undefined || inner === null ? undefined : takeAny(shape, inner, inside(place, name), tell);
    if (fitting !== undefined) taken[name] = fitting;
    // A check without a word is one that nobody can judge: to leave it out would hide it.
    else if (required.includes(name) && shape['x-fallback'] !== undefined) taken[name] = shape['x-fallback'];
    else if (required.includes(name)) return tell(place, `left out: it has no ${name}`);
  }
  if (Object.keys(given).some((name) => !Object.hasOwn(properties, name))) tell(place, 'unknown fields were left out', 'remark');
  return taken;
}

function takeList({ items = {}, minItems = 0, maxItems = 0 }: Shape, value: unknown, place: string, tell: Tell): unknown {
  if (!Array.isArray(value)) return tell(place, 'no list');
  if (value.length > maxItems) tell(place, `cut to ${maxItems}`);
  const taken = value
    .slice(0, maxItems)
    .map((item: unknown, index) => takeAny(items, item, `${place}.${index}`, tell))
    .filter((item) => item !== undefined);
  return taken.length < minItems ? tell(place, 'too short') : taken;
}

function takeText({ maxLength = 0, pattern }: Shape, value: unknown, place: string, tell: Tell): unknown {
  if (typeof value !== 'string') return tell(place, 'no text');
  if (pattern !== undefined)
    return value.length <= 200 && new RegExp(pattern).test(value) ? value : tell(place, 'not of the form that it must have');
  if (value.length > maxLength) tell(place, `cut to ${maxLength} characters`, 'remark');
  return value.slice(0, maxLength).replaceAll(CONTROL, ' ').toWellFormed();
}

function takeNumber(
  { type, minimum = -Infinity, maximum = Infinity }: Shape,
  value: unknown,
  place: string,
  tell: Tell,
): unknown {
  const fits = typeof value === 'number' && (type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value));
  return fits && value >= minimum && value <= maximum ? value : tell(place, 'no number that can stand here');
}

function inside(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`;
}

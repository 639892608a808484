/**
 * Reading an answer in JSON whose maker is not trusted: each reader gives what is there when it has the type that is wanted, and undefined or nothing otherwise. No
 * object of the answer is ever passed on.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** The value under these names, one in the other; numbers count in lists. */
export function under(value: unknown, ...path: readonly string[]): unknown {
  let inner = value;
  for (const name of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, name)) return undefined;
    inner = (inner as JsonObject)[name];
  }
  return inner;
}

/** At most so many objects of a list, others are left out. */
export function objectsOf(value: unknown, max: number): readonly JsonObject[] {
  if (!Array.isArray(value)) return [];
  const objects: JsonObject[] = [];
  for (const item of value) {
    if (objects.length >= max) break;
    const object = objectOf(item);
    if (object) objects.push(object);
  }
  return objects;
}

/** Text without control characters, cut at `maxLength`; numbers as they are written. Undefined for nothing at all. */
export function textOf(value: unknown, maxLength: number): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return undefined;
  const clean = text
    .slice(0, maxLength * 2)
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, maxLength);
  return clean === '' ? undefined : clean;
}

export function integerOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** From 0 to 1; `whole` stands for 1. */
export function shareOf(value: unknown, whole: number): number | undefined {
  if (typeof value !== 'number' || !(value >= 0 && value <= whole)) return undefined;
  return value / whole;
}

/** YYYY-MM-DD of a day that there is; any other form is nobody's to guess. */
export function dayOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return undefined;
  const day = new Date(`${value}T00:00:00Z`);
  return Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== value ? undefined : value;
}

/** Bytes of base64 (RFC 4648, section 4), with or without what a data URL begins with. Undefined for anything else, and for none. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined;
  const comma = value.startsWith('data:') ? value.indexOf(',', 0) + 1 : 0;
  const text = value.slice(comma);
  if (text === '' || text.length % 4 === 1) return undefined;
  const bytes = Buffer.from(text, 'base64');
  // Node leaves out what is no base64: then there are fewer bytes than its length makes.
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (bytes.length === 0 || bytes.length !== Math.floor(((text.length - padding) * 3) / 4)) return undefined;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Only what is there. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

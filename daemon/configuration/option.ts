/**
 * One option of the configuration file, as its schema says it: what it is for in two languages, what it is when nobody says it, and whether a running daemon takes
 * a new value. The reference page, `kortd config` and every message are made from this.
 */
import type { TSchema } from 'typebox';

export interface Wording {
  readonly en: string;
  readonly sv: string;
}

export interface OptionNotes extends Wording {
  /** `live`: a reload is enough. `restart`: the daemon keeps the value that it was started with. */
  readonly reload: 'live' | 'restart';
  /** Of `kortd serve`, as "--port <N>": it wins over the file. */
  readonly flag?: `--${string} <${string}>`;
  /** Where there is no fixed default. */
  readonly otherwise?: Wording;
  /** What a text must be, where type and bounds do not say it. */
  readonly allowed?: Wording;
  readonly isPath?: true;
  /** Never shown. */
  readonly isSecret?: true;
}

/** To be spread into the options of a TypeBox schema. `x-` is for readers of the schema (JSON Schema 2020-12, section 6.5: unknown keywords are annotations). */
export function notes(given: OptionNotes): { readonly description: string; readonly 'x-kortd': OptionNotes } {
  return { description: given.en, 'x-kortd': given };
}

/** Throws for a schema that was made without notes: a defect. */
export function notesOf(schema: TSchema): OptionNotes {
  const { 'x-kortd': found } = schema as { readonly 'x-kortd'?: OptionNotes };
  if (!found) throw new TypeError('reading an option of the configuration: it has no notes');
  return found;
}

/** Undefined for an option without a fixed one. */
export function defaultOf(schema: TSchema): unknown {
  return (schema as { readonly default?: unknown }).default;
}

/**
 * JSON (RFC 8259) with the line of everything in it, read by @humanwhocodes/momoa: what JSON.parse does not tell. A name that stands twice in one object is
 * refused: which of the two counted, nobody would see.
 */
import { parse, type AnyNode, type ObjectNode } from '@humanwhocodes/momoa';
import { ConfigurationError, type ConfigurationProblem } from './problem.ts';

export interface LocatedJson {
  readonly value: unknown;
  /** Of the member or element under this JSON pointer (RFC 6901), else of the nearest one around it. */
  lineOf(pointer: string): number;
}

/** Throws ConfigurationError. */
export function parseLocated(text: string, file: string): LocatedJson {
  const { body } = parseText(text, file);
  const lines = new Map<string, number>();
  note(body, '', { lines, file });
  return {
    value: JSON.parse(text),
    lineOf: (pointer) => {
      for (let place = pointer; place !== ''; place = place.slice(0, place.lastIndexOf('/'))) {
        const line = lines.get(place);
        if (line !== undefined) return line;
      }
      return 1;
    },
  };
}

function parseText(text: string, file: string): ReturnType<typeof parse> {
  try {
    return parse(text, { mode: 'json' });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigurationError([{ file, ...noJson(error) }], { cause: error });
  }
}

/** What the parser says, with its place in front. */
function noJson(error: Error): Omit<ConfigurationProblem, 'file'> {
  const line = 'line' in error && typeof error.line === 'number' ? error.line : 1;
  const column = 'column' in error && typeof error.column === 'number' ? error.column : 1;
  const reason = error.message.replace(/\.?\s*(\(\d+:\d+\))?$/, '');
  return {
    line,
    en: `it is no JSON from character ${column} of the line (${reason}); is a comma, a quotation mark or a brace missing, or one too many?`,
    sv: `det är inte JSON från tecken ${column} på raden (${reason}); saknas ett kommatecken, citattecken eller en klammer, eller finns ett för mycket?`,
  };
}

interface Notes {
  readonly lines: Map<string, number>;
  readonly file: string;
}

function note(node: AnyNode, pointer: string, notes: Notes): void {
  if (node.type === 'Object') noteMembers(node, pointer, notes);
  if (node.type === 'Array') {
    for (const [index, { value }] of node.elements.entries()) {
      notes.lines.set(`${pointer}/${index}`, value.loc.start.line);
      note(value, `${pointer}/${index}`, notes);
    }
  }
}

function noteMembers({ members }: ObjectNode, pointer: string, notes: Notes): void {
  for (const { name, value, loc } of members) {
    const key = name.type === 'String' ? name.value : name.name;
    const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const earlier = notes.lines.get(place);
    if (earlier !== undefined) throw twice(place, { earlier, line: loc.start.line, file: notes.file });
    notes.lines.set(place, loc.start.line);
    note(value, place, notes);
  }
}

function twice(
  pointer: string,
  { earlier, line, file }: { readonly earlier: number; readonly line: number; readonly file: string },
): ConfigurationError {
  const path = pointer.slice(1).replaceAll('/', '.');
  return new ConfigurationError([
    {
      ...{ file, line, path },
      en: `${path} stands in line ${earlier} already; once is allowed`,
      sv: `${path} finns redan på rad ${earlier}; en gång är tillåtet`,
    },
  ]);
}

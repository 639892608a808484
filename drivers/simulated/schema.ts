/** Checks what was read from a file against a TypeBox schema, and says in one line what is wrong and where. */
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { SimulationFileError } from './errors.ts';

/** Parses JSON and checks it. Throws SimulationFileError with the path of the first bad field. */
export function parseChecked<S extends TSchema>(schema: S, text: string): Static<S> {
  return check(schema, parseJson(text));
}

export function check<S extends TSchema>(schema: S, value: unknown): Static<S> {
  const validator = Compile(schema);
  if (validator.Check(value)) return value;
  const errors = [...validator.Errors(value)];
  const first = errors.find((error) => error.keyword !== 'boolean') ?? errors[0];
  const extra = first?.keyword === 'additionalProperties' ? ` (${first.params.additionalProperties.join(', ')})` : '';
  const field = formatPath(first?.instancePath ?? '');
  throw new SimulationFileError(`${field === '' ? 'the file' : field} ${first?.message ?? 'is not as it must be'}${extra}`, {
    field,
  });
}

/** Throws SimulationFileError for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new SimulationFileError(
      `it is no JSON: ${error instanceof Error ? error.message : String(error)}`,
      {},
      { cause: error },
    );
  }
}

/** "readers[1].name" for the JSON pointer "/readers/1/name". */
function formatPath(pointer: string): string {
  const parts = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return parts.map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : `${index > 0 ? '.' : ''}${part}`)).join('');
}

/** Rows of templates, with the bytes that go beside them. */
import type { TemplateRow } from './messages.ts';

export type Row = TemplateRow & { readonly blob?: Uint8Array };

export function yes(type: number): Row {
  return { type, kind: 'boolean', value: 1 };
}

export function no(type: number): Row {
  return { type, kind: 'boolean', value: 0 };
}

export function number(type: number, value: number): Row {
  return { type, kind: 'number', value };
}

export function bytes(type: number, blob: Uint8Array): Row {
  return { type, kind: 'bytes', blob };
}

export function template(rows: readonly Row[]): { readonly rows: TemplateRow[]; readonly blobs: readonly Uint8Array[] } {
  return {
    rows: rows.map(({ type, kind, value }) => ({ type, kind, ...(value === undefined ? {} : { value }) })),
    blobs: rows.flatMap(({ blob }) => blob ?? []),
  };
}

/** Whom the gate let in, and what they may do. */
import { randomUUID } from 'node:crypto';
import { SCOPES, type Scope } from '../../api-spec/scopes.ts';
import type { Caller } from '../api/call.ts';

export type Admission =
  | { readonly kind: 'native' }
  /** `scopes` are those of its grant, and the right to ask for more. */
  | { readonly kind: 'web'; readonly origin: string; readonly scopes: ReadonlySet<Scope> };

/** What the holder of the data folder's token may do: everything, being the user of this workstation. */
const NATIVE_SCOPES: ReadonlySet<Scope> = new Set(Object.keys(SCOPES) as Scope[]);

export function callerOf(admission: Admission): Caller {
  const id = randomUUID();
  if (admission.kind === 'native') return { id, name: `program ${id.slice(0, 8)}`, scopes: NATIVE_SCOPES };
  return { id, name: admission.origin, origin: admission.origin, scopes: admission.scopes };
}

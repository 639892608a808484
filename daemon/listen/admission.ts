/** Whom the gate let in, and what they may do. */
import { randomUUID } from 'node:crypto';
import type { MethodName } from '../../api-spec/methods/index.ts';
import { SCOPES, type Scope } from '../../api-spec/scopes.ts';
import type { Caller, CallerConnection } from '../api/call.ts';

export type Admission =
  /** `name` and `fullName` in plain words, where the system tells them. */
  | { readonly kind: 'native'; readonly user: string; readonly name?: string; readonly fullName?: string }
  /** `scopes` are those of its grant as it stands at the moment, and the right to ask for more. */
  /** The console's view of the desk: `scopes` say which events it gets, `methods` what it may call. */
  | {
      readonly kind: 'console';
      readonly user: string;
      readonly name: string;
      readonly scopes: ReadonlySet<Scope>;
      readonly methods: ReadonlySet<MethodName>;
    }
  | { readonly kind: 'web'; readonly origin: string; readonly user: string; readonly scopes: () => ReadonlySet<Scope> };

/** What a program of a user of this workstation may do: everything. */
const NATIVE_SCOPES: ReadonlySet<Scope> = new Set(Object.keys(SCOPES) as Scope[]);

export function callerOf(admission: Admission, connection?: CallerConnection): Caller {
  const id = randomUUID();
  const { user } = admission;
  const common = { id, user, ...(connection ? { connection } : {}) };
  if (admission.kind === 'native') {
    const { name = `program ${id.slice(0, 8)}`, fullName } = admission;
    return { ...common, name, ...(fullName === undefined ? {} : { fullName }), scopes: NATIVE_SCOPES };
  }
  if (admission.kind === 'console')
    return { ...common, name: admission.name, scopes: admission.scopes, methods: admission.methods };
  const { origin, scopes } = admission;
  return {
    ...common,
    name: origin,
    origin,
    get scopes() {
      return scopes();
    },
  };
}

/** What the holder of the data folder's token may do: everything, being the user of this workstation. */
import { SCOPES, type Scope } from '../../api-spec/scopes.ts';

export const NATIVE_SCOPES: ReadonlySet<Scope> = new Set(Object.keys(SCOPES) as Scope[]);

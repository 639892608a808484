/** Numbers of objects for one client: an object keeps its own while its card is in, whatever comes and goes beside it. */
import { createHash } from 'node:crypto';
import * as ck from '../constants.ts';
import type { HeldObject, TokenObject } from './objects.ts';

/** What tells apart objects of one class and CKA_ID. */
const VALUES = [ck.CKA_VALUE, ck.CKA_PUBLIC_KEY_INFO, ck.CKA_PROFILE_ID];

export class ObjectHandles {
  readonly #tokens = new Map<number, { readonly insertion: string; readonly handles: Map<string, number> }>();

  number(slotId: number, insertion: string, objects: readonly HeldObject[]): readonly TokenObject[] {
    const handles = this.#handlesOf(slotId, insertion);
    return objects.map((object) => {
      const name = nameOf(object);
      const handle = handles.get(name) ?? handles.size + 1;
      handles.set(name, handle);
      return { ...object, handle };
    });
  }

  /** Objects that have got another CKA_ID, and are what they were. */
  renamed(slotId: number, insertion: string, ...[objects, id]: readonly [readonly TokenObject[], Uint8Array]): void {
    const handles = this.#handlesOf(slotId, insertion);
    for (const { attributes, handle, ...object } of objects)
      handles.set(nameOf({ ...object, attributes: new Map(attributes).set(ck.CKA_ID, id) }), handle);
  }

  #handlesOf(slotId: number, insertion: string): Map<string, number> {
    const known = this.#tokens.get(slotId);
    if (known?.insertion === insertion) return known.handles;
    const handles = new Map<string, number>();
    this.#tokens.set(slotId, { insertion, handles });
    return handles;
  }
}

function nameOf({ attributes }: HeldObject): string {
  const hash = createHash('sha256');
  for (const type of [ck.CKA_CLASS, ck.CKA_ID, ...VALUES]) hash.update(`${type} `).update(attributes.get(type) ?? '');
  return hash.digest('base64');
}

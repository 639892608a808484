/** Which methods are acts: they change or use a card, or change who may. Each leaves a record. Reading, listing and leasing are none. */
import type { MethodName } from '../../api-spec/methods/index.ts';

/** Sorted by name. */
const ACTS: ReadonlySet<MethodName> = new Set<MethodName>([
  'card.transmit',
  'certificate.delete',
  'certificate.request',
  'certificate.write',
  'key.delete',
  'key.generate',
  'pin.change',
  'pin.unblock',
  'pin.verify',
  'sign.digest',
]);

export function isAct(method: MethodName): boolean {
  return ACTS.has(method);
}

/** Where on a card new keys go: places of the right kind that have no certificate. */
import type { KeyAlgorithm, TokenContents, TokenKey } from '../../apdu/token.ts';
import { ApiError } from '../errors.ts';
import type { KeyPlace } from './entry.ts';
import type { StepOf } from './routine.ts';

/** Of a place that has no kind yet: what every card and authority of the field does. */
const USUAL_ALGORITHM: KeyAlgorithm = 'RSA-2048';

/** In the order of `plans`. A key that anybody can use without a PIN is no person's. Throws no_free_key_container. */
export function choosePlaces({ keys, certificates }: TokenContents, plans: StepOf<'enrol'>['keys']): readonly KeyPlace[] {
  const taken = new Set(certificates.map(({ keyReference }) => keyReference));
  return plans.map(({ usage, algorithm: wanted }) => {
    const isFree = (key: TokenKey): boolean =>
      key.usage === usage &&
      key.pinPolicy !== 'never' &&
      !taken.has(key.keyReference) &&
      (wanted === undefined || (key.algorithm ?? wanted) === wanted);
    // A key that nobody can put back is overwritten only where there is no other place.
    const free = keys.find((key) => isFree(key) && key.publicKey === undefined) ?? keys.find(isFree);
    if (!free) throw new ApiError('no_free_key_container', `choosing a place for a key: none is free for ${usage}`, { usage });
    taken.add(free.keyReference);
    return { keyReference: free.keyReference, usage, algorithm: wanted ?? free.algorithm ?? USUAL_ALGORITHM };
  });
}

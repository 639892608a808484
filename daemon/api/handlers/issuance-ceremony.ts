/** The ceremony that a call is about: whether the caller may know of it, and one call at a time. */
import type { Result } from '../../../api-spec/methods/index.ts';
import { ApiError } from '../../errors.ts';
import type { Ceremony } from '../../issuance/ceremony.ts';
import type { Call } from '../call.ts';
import type { HandlerContext } from './context.ts';
import { describeCeremony } from './issuance-view.ts';

/** Throws ceremony_unknown, also for one with protected personal data when the caller may not know of it. */
export function ceremonyOf({ issuance }: HandlerContext, id: string, call: Call): Ceremony {
  const ceremony = issuance.get(id);
  if (!ceremony.isProtected || maySeeProtected(call)) return ceremony;
  throw new ApiError('ceremony_unknown', `looking up ceremony ${id}: the caller may not know of it`);
}

/** Nobody else works on the ceremony meanwhile; what has run out is said first. Throws clock_set_back before anybody is asked for anything. */
export async function takeOn(
  context: HandlerContext,
  id: string,
  call: Call,
  work: (ceremony: Ceremony) => Promise<unknown>,
): Promise<Result<'issuance.get'>> {
  const { issuance } = context;
  call.subject = { purpose: id };
  return await issuance.exclusively(id, async () => {
    const ceremony = ceremonyOf(context, id, call);
    issuance.requireHere(ceremony);
    issuance.now(ceremony);
    await work(issuance.expire(ceremony));
    return describeCeremony(issuance, issuance.get(id));
  });
}

export function maySeeProtected({ caller }: Call): boolean {
  return caller.scopes.has('issuance.protected');
}

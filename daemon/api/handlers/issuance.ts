/** issuance.*: ceremonies begun, told of, and taken on by what people fill in. Their cards are the affair of issuance-steps.ts and issuance-job.ts. */
import type { MethodName, Result } from '../../../api-spec/methods/index.ts';
import { ApiError } from '../../errors.ts';
import type { CeremonySummary } from '../../issuance/journal.ts';
import type { Handlers } from '../call.ts';
import type { HandlerContext } from './context.ts';
import { issuanceEvidenceHandlers } from './issuance-evidence.ts';
import { issuanceJobHandlers } from './issuance-job.ts';
import { issuanceAttachHandlers } from './issuance-attach.ts';
import { issuancePinHandlers } from './issuance-pin.ts';
import { proofsOfCaller, takeUpProofs } from './issuance-proofs.ts';
import { issuanceRemovalHandlers } from './issuance-removal.ts';
import { issuanceStepHandlers } from './issuance-steps.ts';
import { ceremonyOf, maySeeProtected, takeOn } from './issuance-ceremony.ts';
import { describeCeremony } from './issuance-view.ts';

type IssuanceMethod = Extract<MethodName, `issuance.${string}`>;

const DEFAULT_LIMIT = 50;

export function issuanceHandlers(context: HandlerContext): Pick<Handlers, IssuanceMethod> {
  const { issuance } = context;
  return {
    ...issuanceStepHandlers(context),
    ...issuanceEvidenceHandlers(context),
    ...issuanceAttachHandlers(context),
    ...issuanceJobHandlers(context),
    ...issuancePinHandlers(context),
    ...issuanceRemovalHandlers(context),
    'issuance.get': ({ ceremony }, call) => describeCeremony(issuance, ceremonyOf(context, ceremony, call)),
    'issuance.list': ({ search, limit = DEFAULT_LIMIT, ...filter }, call) => ({
      ceremonies: issuance
        .list({
          ...filter,
          limit,
          words: (search ?? '').split(/\s+/u).filter((word) => word !== ''),
          includesProtected: maySeeProtected(call),
        })
        .map(describeSummary),
    }),
    'issuance.listAuthorities': () => ({
      authorities: context.authorities.entries.map(({ name, protocol }) => ({ name, protocol })),
    }),
    'issuance.listRoutines': () => ({ routines: [...issuance.routines.values()] }),
    'issuance.record': ({ ceremony, step, fields }, call) =>
      takeOn(context, ceremony, call, ({ id }) => {
        takeUpProofs(context, call, issuance.record(id, step, fields, proofsOfCaller(context, call)), step);
        return Promise.resolve();
      }),
    'issuance.start': ({ routine, isProtected = false }, call) => {
      if (isProtected && !maySeeProtected(call))
        throw new ApiError('scope_missing', 'beginning a ceremony: the caller lacks issuance.protected', {
          scope: 'issuance.protected',
        });
      return describeCeremony(issuance, issuance.start(routine, { isProtected }));
    },
  };
}

function describeSummary(summary: CeremonySummary): Result<'issuance.list'>['ceremonies'][number] {
  const { id, routine, state, startedAt, updatedAt, isProtected } = summary;
  return { ceremony: id, routine, state, startedAt, updatedAt, isProtected };
}

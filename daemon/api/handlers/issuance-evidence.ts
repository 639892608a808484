/** Evidence of finished ceremonies, and ceremonies on their way from one desk to another. */
import type { Result } from '../../../api-spec/methods/index.ts';
import { ApiError } from '../../errors.ts';
import type { Ceremony } from '../../issuance/ceremony.ts';
import type { Call, Handlers } from '../call.ts';
import { bytesOf, giveOut } from './content.ts';
import type { HandlerContext } from './context.ts';
import { ceremonyOf, maySeeProtected } from './issuance-ceremony.ts';
import { describeCeremony } from './issuance-view.ts';

type EvidenceMethod = 'issuance.evidence' | 'issuance.export' | 'issuance.import';

export function issuanceEvidenceHandlers(context: HandlerContext): Pick<Handlers, EvidenceMethod> {
  const { issuance, evidence } = context;
  return {
    'issuance.evidence': async (params, call) => {
      const ceremony = ceremonyOf(context, params.ceremony, call);
      if (ceremony.state !== 'finished') throw missing(ceremony);
      const { content, isEncrypted, keepUntil } = await orUnavailable(call, () => evidence.evidenceOf(ceremony));
      return { ...bytesOut(context, content, call), isEncrypted, keepUntil };
    },
    'issuance.export': (params, call) =>
      issuance.exclusively(params.ceremony, async () => {
        const ceremony = ceremonyOf(context, params.ceremony, call);
        call.subject = { purpose: ceremony.id };
        if (ceremony.state !== 'open')
          throw new ApiError('ceremony_closed', `exporting ${ceremony.id}: it is ${ceremony.state}`, { state: ceremony.state });
        // The seal first: without one, nothing is let go.
        await orUnavailable(call, () => evidence.seal());
        // One that is away is given out once more as it went: nobody may have it.
        const away = ceremony.isAway ? ceremony : issuance.note(ceremony, { type: 'ceremony.exported' });
        const bytes = await orUnavailable(call, () => evidence.exportCeremony(away, issuance.entriesOf(away.id)));
        return bytesOut(context, bytes, call);
      }),
    'issuance.import': async ({ transfer }, call) => {
      const bytes = bytesOf(context, transfer, call);
      const taken = await orUnavailable(call, () => evidence.importCeremony(bytes));
      const { id, isProtected } = taken.ceremony;
      call.subject = { purpose: id };
      if (isProtected && !maySeeProtected(call))
        throw new ApiError('ceremony_unknown', `taking over ceremony ${id}: the caller may not know of it`);
      return await issuance.exclusively(id, async () => {
        // Looked at again: another call may have taken it over meanwhile.
        const given = await orUnavailable(call, () => evidence.importCeremony(bytes));
        return describeCeremony(issuance, issuance.takeOver(given.ceremony, given));
      });
    },
  };
}

function missing({ id, state }: Ceremony): ApiError {
  return new ApiError('evidence_missing', `reading the evidence of ${id}: it is ${state}`, { state });
}

function bytesOut(
  context: HandlerContext,
  bytes: Uint8Array,
  call: Call,
): Pick<Result<'issuance.evidence'>, 'content' | 'data' | 'size'> {
  const out = giveOut(context, bytes, call);
  return { ...('inline' in out ? { data: out.inline } : { content: out.waiting.id }), size: bytes.length };
}

/** Certificates that the policy names, the seal, and the disk: what is wrong with them is for the administrator to read. */
async function orUnavailable<R>(call: Call, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApiError || call.signal.aborted) throw error;
    const problem = error instanceof Error ? error.message : String(error);
    throw new ApiError('evidence_unavailable', `calling ${call.method}: ${problem}`, { problem }, { cause: error });
  }
}

/**
 * Certificates that are to go from a card: a card job without keys, whose certificates to be replaced are the chosen ones. It is finished when they are chosen;
 * issuance.confirm takes them off, issuance.cancel leaves them.
 */
import { createHash } from 'node:crypto';
import { ObjectNotFoundError } from '../../../apdu/errors.ts';
import type { CardSession } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import { certificateFacts } from '../../identity/certificate-facts.ts';
import { stateOf } from '../../issuance/card-job.ts';
import type { Ceremony } from '../../issuance/ceremony.ts';
import type { StoredCertificate } from '../../issuance/entry.ts';
import { firstLeftWithout } from '../../issuance/first-organisation.ts';
import type { StepOf } from '../../issuance/routine.ts';
import type { Handlers, PublicParams } from '../call.ts';
import { withCard, type HandlerContext } from './context.ts';
import { takeOn } from './issuance-ceremony.ts';
import { requireCardNumber, requireSeen, see, targetOf, untrusted } from './issuance-steps.ts';

type RemovalParams = PublicParams<'issuance.removeCertificates'>;

interface Removal {
  readonly ceremony: Ceremony;
  readonly step: StepOf<'removeCertificates'>;
  readonly params: RemovalParams;
}

export function issuanceRemovalHandlers(context: HandlerContext): Pick<Handlers, 'issuance.removeCertificates'> {
  const { issuance } = context;
  return {
    'issuance.removeCertificates': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const step = issuance.requireStep(ceremony, params.step, 'removeCertificates');
        const card = targetOf(params.card, step.by);
        await withCard(context, { ...params, card }, call, {}, (session) => choose(context, session, { ceremony, step, params }));
      }),
  };
}

/** Throws card_not_for_issuance, card_other, first_certificates_stay, object_not_found, participant_refused. Nothing of the card is changed. */
async function choose(context: HandlerContext, session: CardSession, { ceremony, step, params }: Removal): Promise<void> {
  const { issuance } = context;
  const { contents } = await session.read();
  const { serialNumber, kind } = session.card;
  if (serialNumber === undefined || !kind) {
    const problem = 'it has no serial number to be found again by';
    throw new ApiError('card_not_for_issuance', `removing certificates for ${ceremony.id}: ${problem}`, { problem });
  }
  const seen = see(context, ceremony, contents, session);
  requireSeen(context, ceremony, step, seen);
  if (!seen.isTrusted) throw untrusted(step);
  requireCardNumber(ceremony, step.cardNumber, seen);
  const before = stateOf(contents);
  const chosen = chosenOf(before.certificates, params.fingerprints);
  const { removesFirst = false } = params;
  const organisation = removesFirst ? undefined : firstLeftWithout(before.certificates, chosen);
  if (organisation !== undefined)
    throw new ApiError('first_certificates_stay', `removing certificates for ${ceremony.id}: they are the first one’s last`, {
      organisation,
    });
  const card = { profile: kind.id, serialNumber };
  // Together: a job without keys that was only begun would lead nowhere.
  issuance.noteJob(
    ceremony,
    step,
    { type: 'job.begun', card, before, places: [], replaces: chosen, ...(removesFirst ? { removesFirst } : {}) },
    { type: 'job.finished' },
  );
}

/** Only certificates of persons: those of authorities and of the card itself serve the others. */
function chosenOf(certificates: readonly StoredCertificate[], fingerprints: readonly string[]): readonly StoredCertificate[] {
  return [...new Set(fingerprints.map((one) => one.toUpperCase()))].map((fingerprint) => {
    const found = certificates.find(({ der }) => sha256(der) === fingerprint);
    const facts = found && certificateFacts(new Uint8Array(Buffer.from(found.der, 'base64')));
    if (found && facts && !facts.isAuthority && !facts.isOfCard) return found;
    throw new ObjectNotFoundError(`removing certificates: the card has none of a person with fingerprint ${fingerprint}`);
  });
}

function sha256(der: string): string {
  return createHash('sha256').update(Buffer.from(der, 'base64')).digest('hex').toUpperCase();
}

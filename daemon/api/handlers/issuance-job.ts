/**
 * The steps of a ceremony that change a card: begun, gone on with, confirmed, taken back. Each call looks at the card first, and does what one PIN allows; what it
 * did stands in the journal whatever becomes of the call.
 */
import type { Token } from '../../../apdu/token.ts';
import type { CardTarget } from '../../desk/desk.ts';
import { ApiError } from '../../errors.ts';
import type { CardSession } from '../../desk/card-session.ts';
import { checkCertificates } from '../../issuance/certificate-check.ts';
import { isAllIssued, isOver, stateOf, type CardJob } from '../../issuance/card-job.ts';
import { nextStep, openJob, valueAt, type Ceremony } from '../../issuance/ceremony.ts';
import type { JobEntry, PersonSeen } from '../../issuance/entry.ts';
import { choosePlaces } from '../../issuance/key-places.ts';
import { orderOf } from '../../issuance/order.ts';
import type { JobStep, StepOf } from '../../issuance/routine.ts';
import { certificateFacts } from '../../identity/certificate-facts.ts';
import { parseCertificate } from '../../signing/certificate.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import { withCard, type HandlerContext } from './context.ts';
import { removePictures } from './issuance-attach.ts';
import { haveIssued } from './issuance-authority.ts';
import { takeOn } from './issuance-ceremony.ts';
import { requireCardNumber, see, targetOf, untrusted } from './issuance-steps.ts';
import { runJob, type PinOfCall } from './issuance-work.ts';

type JobMethod =
  | 'issuance.cancel'
  | 'issuance.confirm'
  | 'issuance.enrol'
  | 'issuance.requestCertificates'
  | 'issuance.resume'
  | 'issuance.writeCertificates';
type JobParams = PublicParams<'issuance.resume'>;
type EnrolStep = StepOf<'enrol'>;
type EnrolTarget = Target & { readonly step: EnrolStep };

/** A job that is to be worked on. */
interface Target {
  readonly ceremony: Ceremony;
  readonly step: JobStep;
}

export function issuanceJobHandlers(context: HandlerContext): Pick<Handlers, JobMethod> {
  const { issuance } = context;
  return {
    'issuance.cancel': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        await cancel(context, ceremony, params, call);
        await removePictures(context, issuance.get(ceremony.id));
      }),
    'issuance.confirm': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const target = requireConfirmable(context, ceremony);
        const confirming = issuance.noteJob(ceremony, target.step, { type: 'job.confirming' });
        if (jobOf({ ...target, ceremony: confirming }).replaces.length === 0)
          issuance.noteJob(confirming, target.step, { type: 'job.confirmed' });
        else await goOn(context, target, params, call);
      }),
    'issuance.enrol': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const step = issuance.requireStep(ceremony, params.step, 'enrol');
        // A call that comes twice would send the PIN of the first key to that of the second.
        if (ceremony.jobs.has(step.id)) throw outOfTurn(ceremony, 'beginning on the card');
        issuance.requireOrder(ceremony, step);
        issuance.requireOnce(ceremony);
        await goOn(context, { ceremony, step }, params, call);
      }),
    'issuance.requestCertificates': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const target = requireWaiting(context, ceremony);
        await haveIssued(context, target, params.authority, call);
        await writeIssued(context, ceremony.id, params, call);
      }),
    'issuance.resume': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        requireOpen(ceremony);
        const target = openTarget(ceremony);
        if (!target) throw outOfTurn(ceremony, 'resuming');
        const job = jobOf(target);
        if (isAllIssued(job)) await writeIssued(context, ceremony.id, params, call);
        else if (job.phase !== 'waiting' && job.phase !== 'finished') await goOn(context, target, params, call);
      }),
    'issuance.writeCertificates': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const target = requireWaiting(context, ceremony);
        const given = (params.certificates ?? []).map((text) => new Uint8Array(parseCertificate(text).raw));
        accept(context, target, given);
        await goOn(context, target, params, call);
      }),
  };
}

/** On the card of the job, wherever it is; of one that is not begun, on the participant's. */
async function goOn(context: HandlerContext, target: Target, params: JobParams, call: Call): Promise<void> {
  const job = target.ceremony.jobs.get(target.step.id);
  const card = params.card ?? (job ? cardOf(context, job) : undefined) ?? targetOf(undefined, target.step.by);
  const pin: PinOfCall = {
    ...(params.pinReference === undefined ? {} : { reference: params.pinReference.toUpperCase() }),
    isRepeatable: call.method === 'issuance.resume' || (call.method === 'issuance.cancel' && job?.phase === 'undoing'),
  };
  const given = { ...params, card };
  await withCard(context, given, call, { changes: true, choosesKeys: true }, async (session) => {
    // A person may have been asked since: this is another transaction.
    pin.isFresh = pin.isManaging = false;
    const ceremony = context.issuance.get(target.ceremony.id);
    const { step } = target;
    const token = await session.token();
    if (!ceremony.jobs.has(step.id) && step.kind === 'enrol') await begin(context, session, token, { ceremony, step });
    await runJob({ context, session, token, params: given, call, pin, ceremonyId: ceremony.id, step: target.step });
  });
}

/** In whatever reader it is. */
function cardOf({ desk }: HandlerContext, { card }: CardJob): CardTarget | undefined {
  return desk.cards.find(({ kind, serialNumber }) => kind?.id === card.profile && serialNumber === card.serialNumber)?.id;
}

/** The card is looked at, and what it holds is kept. Throws card_not_for_issuance, card_other, no_free_key_container, participant_refused. */
async function begin(
  context: HandlerContext,
  session: CardSession,
  token: Token,
  { ceremony, step }: EnrolTarget,
): Promise<void> {
  const contents = await token.contents('certificates');
  await session.remember(contents);
  const { serialNumber, kind } = session.card;
  if (serialNumber === undefined || !kind) {
    const problem = 'it has no serial number to be found again by';
    throw new ApiError('card_not_for_issuance', `beginning ${step.id} of ${ceremony.id}: ${problem}`, { problem });
  }
  const seen = see(context, ceremony, contents, session);
  requireCardNumber(ceremony, step.cardNumber, seen);
  // What has expired is not renewed.
  if (step.renews && !seen.isTrusted) throw untrusted(step);
  // Nobody issues to themselves: whom the order names counts as much as whom the card does.
  context.issuance.requireParticipant(ceremony, step, { ...seen.person, ...holderOf(ceremony, step) });
  if (seen.person.certificate !== undefined) context.issuance.requireParticipant(ceremony, step, seen.person);
  const before = stateOf(contents);
  const ofPersons = before.certificates.filter(({ der }) => isOfPerson(der));
  context.issuance.noteJob(ceremony, step, {
    type: 'job.begun',
    card: { profile: kind.id, serialNumber },
    before,
    places: choosePlaces(contents, step.keys),
    replaces: step.renews ? ofPersons : [],
  });
}

/** As the routine says. Certificates that name nobody could be anybody's: throws participant_refused. */
function holderOf(ceremony: Ceremony, { id, by, holder }: EnrolStep): PersonSeen {
  const at = (path: string | undefined): string | undefined => valueAt(ceremony, path);
  const [hsaId, personalNumber] = [at(holder.hsaId), at(holder.personalNumber)];
  if (hsaId === undefined && personalNumber === undefined)
    throw new ApiError('participant_refused', `beginning ${id} of ${ceremony.id}: nothing says for whom it is`, {
      participant: by,
      reason: 'unknown_holder',
    });
  return { ...(hsaId === undefined ? {} : { hsaId }), ...(personalNumber === undefined ? {} : { personalNumber }) };
}

function isOfPerson(der: string): boolean {
  const facts = certificateFacts(new Uint8Array(Buffer.from(der, 'base64')));
  return facts !== undefined && !facts.isAuthority && !facts.isOfCard;
}

/** The card waits for its certificates, and it is not too late for them. Throws ceremony_step_order, ceremony_late, order_expired. */
function requireWaiting({ issuance }: HandlerContext, ceremony: Ceremony): EnrolTarget {
  requireOpen(ceremony);
  const step = nextStep(ceremony);
  if (step?.kind !== 'enrol') throw outOfTurn(ceremony, 'writing the certificates');
  issuance.requireStep(ceremony, step.id, 'enrol');
  issuance.requireOrder(ceremony, step);
  if (ceremony.jobs.get(step.id)?.phase !== 'waiting') throw outOfTurn(ceremony, 'writing the certificates');
  return { ceremony, step };
}

/** All that was issued stands in the journal, and nobody is asked for it again. */
async function writeIssued(context: HandlerContext, id: string, params: JobParams, call: Call): Promise<void> {
  const target = requireWaiting(context, context.issuance.get(id));
  acceptIssued(context, target);
  await goOn(context, { ...target, ceremony: context.issuance.get(id) }, params, call);
}

/** What is refused is asked for anew. */
function acceptIssued(context: HandlerContext, target: EnrolTarget): void {
  const ders = jobOf(target).issued.map(({ der }) => new Uint8Array(Buffer.from(der, 'base64')));
  try {
    accept(context, target, ders);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'certificates_refused')
      context.issuance.noteJob(target.ceremony, target.step, { type: 'certificates.refused', problem: error.message });
    throw error;
  }
}

/** All of them are looked at before one is written. Throws certificates_refused. */
function accept(context: HandlerContext, target: EnrolTarget, ders: readonly Uint8Array[]): void {
  const { ceremony, step } = target;
  const job = jobOf(target);
  const now = context.issuance.now(ceremony);
  const verdict = checkCertificates(
    ders.filter((der) => !certificateFacts(der)?.isAuthority),
    job.places,
    job.generated,
    { order: orderOf(ceremony, step, now), settings: context.identity(), now },
  );
  if (!verdict.fitting) {
    const problem = verdict.findings
      .map(({ keyReference, fingerprint, problem: what }) => `${keyReference ?? fingerprint?.slice(0, 16) ?? '?'}: ${what}`)
      .join(', ');
    throw new ApiError('certificates_refused', `writing the certificates of ${ceremony.id}: ${problem}`, { problem });
  }
  const certificates = verdict.fitting.map(({ keyReference, der }) => ({
    keyReference,
    der: Buffer.from(der).toString('base64'),
  }));
  context.issuance.noteJob(ceremony, step, { type: 'certificates.accepted', certificates });
}

/** All steps are taken, and a card waits for it. */
function requireConfirmable({ issuance }: HandlerContext, ceremony: Ceremony): Target {
  requireOpen(ceremony);
  const step = nextStep(ceremony);
  if (step)
    throw new ApiError('steps_missing', `confirming the card of ${ceremony.id}: ${step.id} is to be taken first`, {
      next: step.id,
    });
  issuance.requireOnce(ceremony);
  const target = openTarget(ceremony);
  if (target && jobOf(target).phase === 'finished') return target;
  throw outOfTurn(ceremony, 'confirming the card');
}

async function cancel(
  context: HandlerContext,
  ceremony: Ceremony,
  params: PublicParams<'issuance.cancel'>,
  call: Call,
): Promise<void> {
  requireOpen(ceremony);
  const { issuance } = context;
  const { reason, isCardLost } = params;
  const note = ({ step }: Target, entry: JobEntry): Ceremony => issuance.noteJob(issuance.get(ceremony.id), step, entry);
  for (let target = openTarget(ceremony); target; target = openTarget(issuance.get(ceremony.id))) {
    const job = jobOf(target);
    if (isCardLost) note(target, { type: 'job.abandoned', reason });
    else if (job.phase === 'confirming') throw outOfTurn(ceremony, 'cancelling');
    else {
      if (job.phase !== 'undoing') note(target, { type: 'job.undoing', reason });
      if (!job.hasTouched) note(target, { type: 'job.undone' });
      else if (params.card === undefined && cardOf(context, job) === undefined) return;
      else await goOn(context, target, params, call);
    }
    // What one PIN allows is done; the rest is for issuance.resume.
    if (openTarget(issuance.get(ceremony.id))?.step === target.step) return;
  }
  if (issuance.get(ceremony.id).state === 'open')
    issuance.note(issuance.get(ceremony.id), { type: 'ceremony.cancelled', reason });
}

function requireOpen({ id, state }: Ceremony): void {
  if (state !== 'open') throw new ApiError('ceremony_closed', `going on with ${id}: it is ${state}`, { state });
}

function openTarget(ceremony: Ceremony): Target | undefined {
  const open = openJob(ceremony);
  const step = open && ceremony.routine.steps.find(({ id }) => id === open.stepId);
  return step?.kind === 'enrol' || step?.kind === 'removeCertificates' ? { ceremony, step } : undefined;
}

function jobOf({ ceremony, step }: Target): CardJob {
  const job = ceremony.jobs.get(step.id);
  if (!job || isOver(job)) throw new Error(`working on ${ceremony.id}: ${step.id} has no job under way`);
  return job;
}

function outOfTurn(ceremony: Ceremony, attempt: string): ApiError {
  const next = nextStep(ceremony)?.id ?? '';
  return new ApiError('ceremony_step_order', `${attempt} for ${ceremony.id}: it is not the turn of that`, { next });
}

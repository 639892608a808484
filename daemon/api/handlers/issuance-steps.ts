/** The steps of a ceremony that read a participant's card, or have it sign. Who somebody is, their card says. */
import { createHash } from 'node:crypto';
import { SIGNATURE_SCHEMES } from '../../../apdu/signature-encoding.ts';
import type { TokenContents } from '../../../apdu/token.ts';
import { contentsOf, type CardSession } from '../../desk/card-session.ts';
import type { CardTarget } from '../../desk/desk.ts';
import { ApiError } from '../../errors.ts';
import { valueAt, type Ceremony } from '../../issuance/ceremony.ts';
import { seeCard, type SeenCard } from '../../issuance/person-seen.ts';
import type { RoutineStep, StepOf } from '../../issuance/routine.ts';
import { preferredAlgorithm } from '../../signing/certificate-request.ts';
import { digestsOf } from '../../signing/cms/content-digests.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import { withCard, type HandlerContext } from './context.ts';
import { takeOn } from './issuance-ceremony.ts';
import { openCardSigner } from './signing-key.ts';

type StepMethod = 'issuance.readCard' | 'issuance.sign';

export function issuanceStepHandlers(context: HandlerContext): Pick<Handlers, StepMethod> {
  const { issuance } = context;
  return {
    'issuance.readCard': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const step = issuance.requireStep(ceremony, params.step, 'readCard');
        const card = targetOf(params.card, step.by);
        await withCard(context, { ...params, card }, call, {}, async (session) => {
          const { contents } = await session.read();
          const seen = see(context, ceremony, contents, session);
          requireSeen(context, ceremony, step, seen);
          requireCardNumber(ceremony, step.cardNumber, seen);
          requireHolder(ceremony, step, seen);
          const { person, validDays } = seen;
          const days = validDays === undefined ? {} : { validDays };
          const entry = { type: 'step.read', step: step.id, person, ...days } as const;
          issuance.requireOnce(ceremony, entry);
          issuance.noteStep(ceremony, step, entry);
        });
      }),
    'issuance.sign': (params, call) =>
      takeOn(context, params.ceremony, call, async (ceremony) => {
        const step = issuance.requireStep(ceremony, params.step, 'sign');
        requireTakenOut(context, ceremony, step);
        const card = targetOf(params.card, step.by);
        const given = { ...params, card };
        await withCard(context, given, call, {}, (session) =>
          signStep(context, session, { params: given, call, ceremony, step }),
        );
      }),
  };
}

/** The participant's own reader, unless the caller says otherwise. */
export function targetOf(given: CardTarget | undefined, participant: string): CardTarget {
  return given ?? { role: participant };
}

export function see(
  { identity, issuance }: HandlerContext,
  ceremony: Ceremony,
  { certificates }: Pick<TokenContents, 'certificates'>,
  { card }: CardSession,
): SeenCard {
  return seeCard(certificates, card.serialNumber, { settings: identity(), now: issuance.now(ceremony) });
}

/** Throws participant_refused: for a person whom nobody vouches for, and for one who may not take the step. A card that names nobody yet is none's. */
export function requireSeen(
  { issuance }: HandlerContext,
  ceremony: Ceremony,
  step: RoutineStep,
  { person, isTrusted }: SeenCard,
): void {
  const namesSomebody = person.name !== undefined || person.hsaId !== undefined || person.personalNumber !== undefined;
  if (namesSomebody && !isTrusted) throw untrusted(step);
  issuance.requireParticipant(ceremony, step, person);
}

export function untrusted({ id, by = '' }: RoutineStep): ApiError {
  const attempt = `taking step ${id} as ${by}`;
  return new ApiError('participant_refused', `${attempt}: no certificate of the card that names a person is trusted and valid`, {
    participant: by,
    reason: 'untrusted',
  });
}

/** Throws card_other. */
export function requireCardNumber(ceremony: Ceremony, path: string | undefined, { person }: SeenCard): void {
  const expected = valueAt(ceremony, path);
  if (expected === undefined || person.cardNumber === expected) return;
  throw new ApiError('card_other', `using the card of ${ceremony.id}: its number is ${person.cardNumber ?? 'not known'}`, {
    expected,
  });
}

/** The card names whom the routine says, by a number that both have. Throws participant_refused. */
function requireHolder(ceremony: Ceremony, { id, by, holder }: StepOf<'readCard'>, { person }: SeenCard): void {
  if (!holder) return;
  const at = (path: string | undefined): string | undefined => valueAt(ceremony, path);
  const pairs: readonly (readonly [string | undefined, string | undefined])[] = [
    [at(holder.hsaId)?.toUpperCase(), person.hsaId?.toUpperCase()],
    [at(holder.personalNumber), person.personalNumber],
  ];
  const compared = pairs.filter(([wanted, told]) => wanted !== undefined && told !== undefined);
  if (compared.length > 0 && compared.every(([wanted, told]) => wanted === told)) return;
  throw new ApiError('participant_refused', `taking step ${id} of ${ceremony.id} as ${by}: the card names another person`, {
    participant: by,
    reason: 'not_holder',
  });
}

/** Throws card_not_taken_out: whoever signs would do so beside a card that is another's. */
function requireTakenOut({ desk }: HandlerContext, ceremony: Ceremony, { withoutCard }: StepOf<'sign'>): void {
  const number = valueAt(ceremony, withoutCard);
  if (number === undefined || !desk.cards.some(({ serialNumber }) => serialNumber === number)) return;
  throw new ApiError('card_not_taken_out', `signing for ${ceremony.id}: the card that it is about is still in a reader`, {
    cardNumber: number,
  });
}

interface StepSignature {
  readonly params: PublicParams<'issuance.sign'> & { readonly card: CardTarget };
  readonly call: Call;
  readonly ceremony: Ceremony;
  readonly step: StepOf<'sign'>;
}

async function signStep(context: HandlerContext, session: CardSession, task: StepSignature): Promise<void> {
  const { params, call, ceremony, step } = task;
  const { createSignedData, addSigner } = await import('../../signing/cms/signed-data.ts');
  const token = await session.token();
  const contents = await contentsOf(session, token);
  const keyReference = params.keyReference?.toUpperCase() ?? signatureKeyOf(contents);
  // Whoever may not take the step is asked for no PIN.
  const certificates = contents.certificates.filter((one) => one.keyReference === keyReference);
  const seen = see(context, ceremony, { certificates }, session);
  if (!seen.isTrusted) throw untrusted(step);
  context.issuance.requireParticipant(ceremony, step, seen.person);
  requireCardNumber(ceremony, step.cardNumber, seen);
  const earlier = step.with === undefined ? undefined : ceremony.done.get(step.with);
  const statement = earlier?.statement ?? context.issuance.statementOf(ceremony, step, params.language);
  const content = new TextEncoder().encode(statement);
  const target = { ...params, keyReference };
  const known = { token, shown: { statement } };
  const signer = await openCardSigner(context, session, target, call, (kind) => preferredAlgorithm(kind), known);
  const { algorithm, sign } = signer;
  const { certificate, chain } = await signer.certificates();
  const { hash } = SIGNATURE_SCHEMES[algorithm];
  const contentDigest = digestsOf(content)(hash);
  const wanted = { contentDigest, hash, profile: 'cades', signer: { certificate, chain, algorithm } } as const;
  const cms =
    earlier?.cms === undefined
      ? await createSignedData({ ...wanted, content, signingTime: context.issuance.now(ceremony) }, sign)
      : (await addSigner(Buffer.from(earlier.cms, 'base64'), { ...wanted, signingTime: context.issuance.now(ceremony) }, sign))
          .cms;
  context.issuance.noteStep(ceremony, step, {
    type: 'step.signed',
    step: step.id,
    // A key may have several certificates: the one that is in the signature counts.
    person: { ...seen.person, certificate: createHash('sha256').update(certificate).digest('hex').toUpperCase() },
    statement,
    cms: Buffer.from(cms).toString('base64'),
  });
}

/** The first signature key that has a certificate; else the first key that has one. */
function signatureKeyOf({ keys, certificates }: TokenContents): string {
  const withCertificate = keys.filter((key) => certificates.some(({ keyReference }) => keyReference === key.keyReference));
  const key = withCertificate.find(({ usage }) => usage === 'signature') ?? withCertificate[0];
  if (key) return key.keyReference;
  throw new ApiError('object_not_found', 'signing a statement: no key of the card has a certificate');
}

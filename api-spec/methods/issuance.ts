import Type, { type TProperties } from 'typebox';
import { CARD_ERRORS, PIN_ERRORS } from '../errors.ts';
import { AuthorityName, Ceremony, CeremonyId, CeremonyState, CeremonySummary, StepId } from '../issuance.ts';
import { PERSON_TIMEOUT_MS, defineMethod } from '../method.ts';
import { Routine } from '../routine.ts';
import {
  AllowLastTry,
  ByteSource,
  CardTarget,
  CertificateList,
  Closed,
  Id,
  KeyReference,
  LeaseParam,
  NewPinParam,
  PinParam,
  PinReference,
  PukParam,
  Purpose,
  Time,
  managementParams,
} from '../schemas.ts';

const ceremonyParams = { ceremony: CeremonyId };
/** The card is found by the participant of the step, or, once something was begun on it, by its serial number. */
const cardParams = { card: Type.Optional(CardTarget), lease: LeaseParam };
const changeParams = {
  ...ceremonyParams,
  ...cardParams,
  ...managementParams,
  pinReference: Type.Optional(
    Type.String({
      pattern: '^[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2})?$',
      description:
        'Which of the card’s PINs the call brings: nothing is done that wants another one, and it is sent to no other. Left out: the one that is wanted first. A PIN that comes with issuance.resume, or with issuance.cancel again, must say it where the card has several.',
    }),
  ),
};

const BYTES_OUT = {
  data: Type.Optional(Type.String({ description: 'Base64. Absent when it is too long for an answer.' })),
  content: Type.Optional(Id('content that holds it then: GET /v1/contents/{id}')),
  size: Type.Integer({ description: 'Bytes of it.' }),
};

const anyErrors = ['ceremony_away', 'ceremony_busy', 'ceremony_unknown', 'clock_set_back', 'journal_unavailable'] as const;
const stepErrors = ['ceremony_closed', 'ceremony_late', 'ceremony_step_order'] as const;
const changeErrors = [
  ...anyErrors,
  ...CARD_ERRORS,
  ...PIN_ERRORS,
  'card_other',
  'management_key_rejected',
  'management_key_required',
  'object_not_found',
] as const;
/** Of keys that are made, and of the requests that they sign. */
const keyErrors = ['algorithm_unsupported', 'key_not_found', 'public_key_mismatch'] as const;

function path(name: string): { readonly verb: 'POST'; readonly path: string } {
  return { verb: 'POST', path: `/v1/issuance/${name}` };
}

/** One that asks a person, and changes or uses a card. */
const onCard = <const P extends TProperties>(params: P) => ({
  since: 1,
  scope: 'issuance' as const,
  timeoutMs: PERSON_TIMEOUT_MS,
  params: Closed(params),
  result: Ceremony,
});

/** Of a step that asks for a PIN at the participant's card. */
const pinStepParams = { ...ceremonyParams, step: StepId, ...cardParams, allowLastTry: AllowLastTry, purpose: Purpose };
const pinStepErrors = [...anyErrors, ...stepErrors, ...CARD_ERRORS, ...PIN_ERRORS, 'card_other', 'participant_refused'] as const;

export const issuanceMethods = {
  'issuance.attach': defineMethod({
    summary:
      'Take a step by storing a picture with the person’s number, in a folder that nobody else may read. The ceremony keeps its name and SHA-256.',
    attempt: { en: 'Storing the picture', sv: 'Att lagra bilden' },
    since: 1,
    scope: 'issuance',
    rest: path('attach'),
    params: Closed({ ...ceremonyParams, step: StepId, picture: ByteSource('A PNG or JPEG') }),
    result: Ceremony,
    errors: [...anyErrors, ...stepErrors, 'content_not_found', 'picture_invalid', 'pictures_unavailable'],
  }),
  'issuance.cancel': defineMethod({
    summary:
      'End a ceremony before its end. What was put on its card is taken off; when the card is not at hand, issuance.resume does it later.',
    attempt: { en: 'Cancelling the ceremony', sv: 'Att avbryta ärendet' },
    ...onCard({
      ...changeParams,
      reason: Type.String({ minLength: 1, maxLength: 200 }),
      isCardLost: Type.Optional(
        Type.Boolean({
          description: 'The card will not come back: nothing is taken off it, and its certificates are to be revoked.',
        }),
      ),
    }),
    rest: path('cancel'),
    errors: [...changeErrors, 'card_full', 'ceremony_closed', 'ceremony_step_order'],
  }),
  'issuance.confirm': defineMethod({
    summary: 'Say that the card is as it shall be: certificates that were replaced go, and there is no way back.',
    attempt: { en: 'Confirming the card', sv: 'Att bekräfta kortet' },
    ...onCard(changeParams),
    rest: path('confirm'),
    errors: [...changeErrors, 'card_already_renewed', 'ceremony_closed', 'ceremony_step_order', 'steps_missing'],
  }),
  'issuance.enrol': defineMethod({
    summary:
      'Begin a step on the card: keys are made there, and requests for their certificates. A call asks for one PIN; issuance.resume goes on with the next.',
    attempt: { en: 'Making the keys', sv: 'Att skapa nycklarna' },
    ...onCard({ ...changeParams, step: StepId }),
    rest: path('enrol'),
    errors: [
      ...changeErrors,
      ...keyErrors,
      ...stepErrors,
      'card_already_renewed',
      'card_not_for_issuance',
      'no_free_key_container',
      'order_expired',
      'participant_refused',
    ],
  }),
  'issuance.evidence': defineMethod({
    summary:
      'The evidence of a finished ceremony: an ASiC-E container with CAdES (ETSI EN 319 162-1), sealed by this workstation; in a CMS EnvelopedData when the policy names recipients.',
    attempt: { en: 'Reading the evidence', sv: 'Att läsa bevisningen' },
    since: 1,
    scope: 'issuance',
    rest: path('evidence'),
    timeoutMs: 60_000,
    params: Closed(ceremonyParams),
    result: Closed({
      ...BYTES_OUT,
      isEncrypted: Type.Boolean({ description: 'To the recipients that the policy named when the ceremony finished.' }),
      keepUntil: Type.String({ pattern: '^[0-9]{4,6}-[0-9]{2}-[0-9]{2}$', description: 'The last day on which it is kept.' }),
    }),
    errors: ['ceremony_unknown', 'contents_full', 'evidence_missing', 'evidence_unavailable'],
  }),
  'issuance.export': defineMethod({
    summary:
      'Hand a ceremony to another desk: all of it so far, sealed by this workstation. It goes on there by issuance.import, and here not until it is imported again.',
    attempt: { en: 'Exporting the ceremony', sv: 'Att exportera ärendet' },
    since: 1,
    scope: 'issuance',
    rest: path('export'),
    params: Closed(ceremonyParams),
    result: Closed(BYTES_OUT),
    errors: [
      'ceremony_busy',
      'ceremony_closed',
      'ceremony_unknown',
      'clock_set_back',
      'contents_full',
      'evidence_unavailable',
      'journal_unavailable',
    ],
  }),
  'issuance.get': defineMethod({
    summary: 'How a ceremony stands: its steps, what is next, who took part, and what becomes of the card.',
    attempt: { en: 'Reading the ceremony', sv: 'Att läsa ärendet' },
    since: 1,
    scope: 'issuance',
    rest: path('get'),
    params: Closed(ceremonyParams),
    result: Ceremony,
    errors: ['ceremony_unknown'],
  }),
  'issuance.import': defineMethod({
    summary:
      'Take over a ceremony that another desk exported, or take back one that this desk did. Only from desks whose seal the policy names.',
    attempt: { en: 'Importing the ceremony', sv: 'Att importera ärendet' },
    since: 1,
    scope: 'issuance',
    rest: path('import'),
    params: Closed({ transfer: ByteSource('What issuance.export gave') }),
    result: Ceremony,
    errors: [
      'ceremony_busy',
      'ceremony_unknown',
      'clock_set_back',
      'content_not_found',
      'evidence_unavailable',
      'journal_lost',
      'journal_unavailable',
      'transfer_already_taken',
      'transfer_broken',
      'transfer_diverged',
      'transfer_invalid',
      'transfer_routine_differs',
      'transfer_seal_untrusted',
    ],
  }),
  'issuance.list': defineMethod({
    summary: 'Ceremonies, the latest first. Those with protected personal data only with the scope issuance.protected.',
    attempt: { en: 'Listing the ceremonies', sv: 'Att lista ärendena' },
    since: 1,
    scope: 'issuance',
    rest: path('list'),
    params: Closed({
      state: Type.Optional(CeremonyState),
      routine: Type.Optional(Type.String({ maxLength: 60 })),
      search: Type.Optional(
        Type.String({ maxLength: 200, description: 'Words, each the beginning of a name or number of the ceremony.' }),
      ),
      before: Type.Optional(Time('Those that were started before.')),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
    }),
    result: Closed({ ceremonies: Type.Array(CeremonySummary) }),
    errors: [],
  }),
  'issuance.listAuthorities': defineMethod({
    summary: 'The certification authorities that the policy names, for issuance.requestCertificates.',
    attempt: { en: 'Listing the certification authorities', sv: 'Att lista certifikatutfärdarna' },
    since: 1,
    scope: 'issuance',
    rest: path('authorities'),
    params: Closed({}),
    result: Closed({
      authorities: Type.Array(Closed({ name: AuthorityName, protocol: Type.Enum(['cmp', 'est'] as const) })),
    }),
    errors: [],
  }),
  'issuance.listRoutines': defineMethod({
    summary: 'The routines of the card office, as data: who takes part, which steps they take, and what is signed.',
    attempt: { en: 'Listing the routines', sv: 'Att lista rutinerna' },
    since: 1,
    scope: 'issuance',
    rest: path('routines'),
    params: Closed({}),
    result: Closed({ routines: Type.Array(Routine) }),
    errors: [],
  }),
  'issuance.readCard': defineMethod({
    summary: 'Take a step by reading the participant’s card: who they are, and which card it is.',
    attempt: { en: 'Reading the card', sv: 'Att läsa kortet' },
    ...onCard({ ...ceremonyParams, step: StepId, ...cardParams }),
    rest: path('readcard'),
    errors: [...anyErrors, ...stepErrors, ...CARD_ERRORS, 'card_already_renewed', 'card_other', 'participant_refused'],
  }),
  'issuance.record': defineMethod({
    summary: 'Take a step by recording what a person filled in.',
    attempt: { en: 'Recording the fields', sv: 'Att registrera uppgifterna' },
    since: 1,
    scope: 'issuance',
    rest: path('record'),
    params: Closed({
      ...ceremonyParams,
      step: StepId,
      fields: Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,39}$' }), Type.String({ maxLength: 2_000 }), {
        maxProperties: 100,
        additionalProperties: false,
        description: 'By name, as the routine has them.',
      }),
    }),
    result: Ceremony,
    errors: [...anyErrors, ...stepErrors, 'card_already_renewed', 'fields_invalid'],
  }),
  'issuance.removeCertificates': defineMethod({
    summary:
      'Take a step by choosing the certificates that are to go from the participant’s card. They go with issuance.confirm; until then nothing has changed.',
    attempt: { en: 'Removing the certificates', sv: 'Att ta bort certifikaten' },
    ...onCard({
      ...ceremonyParams,
      step: StepId,
      ...cardParams,
      fingerprints: Type.Array(Type.String({ pattern: '^[0-9A-Fa-f]{64}$' }), {
        minItems: 1,
        maxItems: 32,
        description: 'SHA-256 of their DER, hexadecimal.',
      }),
      removesFirst: Type.Optional(
        Type.Boolean({ description: 'Also the last ones of the organisation that the card was issued for first.' }),
      ),
    }),
    rest: path('remove'),
    errors: [
      ...anyErrors,
      ...stepErrors,
      ...CARD_ERRORS,
      'card_not_for_issuance',
      'card_other',
      'first_certificates_stay',
      'object_not_found',
      'participant_refused',
    ],
  }),
  'issuance.requestCertificates': defineMethod({
    summary:
      'Have a certification authority that the policy names issue the certificates, by EST or CMP, and write them, checked as by issuance.writeCertificates. No card is held while it is asked. What was issued is kept, also when the caller goes away: called again, only the rest is asked for.',
    attempt: { en: 'Requesting the certificates', sv: 'Att begära certifikaten' },
    ...onCard({ ...changeParams, authority: AuthorityName }),
    rest: path('requestcertificates'),
    errors: [
      ...changeErrors,
      ...stepErrors,
      'authority_answer_invalid',
      'authority_misconfigured',
      'authority_refused',
      'authority_unknown',
      'authority_unreachable',
      'authority_waits',
      'card_full',
      'certificates_refused',
      'key_not_found',
      'order_expired',
      'public_key_mismatch',
    ],
  }),
  'issuance.resume': defineMethod({
    summary:
      'Go on with what was begun on a card, on or back, after a next PIN, a pull, a reset, a crash or another day; also with certificates that an authority issued. The card is looked at first.',
    attempt: { en: 'Going on with the card', sv: 'Att fortsätta med kortet' },
    ...onCard(changeParams),
    rest: path('resume'),
    errors: [
      ...changeErrors,
      ...keyErrors,
      'card_full',
      'ceremony_closed',
      'ceremony_late',
      'ceremony_step_order',
      'certificates_refused',
      'order_expired',
    ],
  }),
  'issuance.sign': defineMethod({
    summary: 'Take a step by signing its statement with the participant’s own card. The result is an attached CMS signature.',
    attempt: { en: 'Signing the statement', sv: 'Att underteckna intyget' },
    ...onCard({
      ...ceremonyParams,
      step: StepId,
      language: Type.Enum(['en', 'sv'] as const, { description: 'In which the person read the statement: that text is signed.' }),
      ...cardParams,
      keyReference: Type.Optional(KeyReference),
      pin: PinParam,
      pinReference: PinReference,
      allowLastTry: AllowLastTry,
      purpose: Purpose,
    }),
    rest: path('sign'),
    errors: [
      ...anyErrors,
      ...stepErrors,
      ...CARD_ERRORS,
      ...PIN_ERRORS,
      'algorithm_not_allowed',
      'algorithm_unsupported',
      'card_not_taken_out',
      'card_other',
      'key_not_found',
      'key_not_for_web',
      'object_not_found',
      'participant_refused',
      'public_key_mismatch',
    ],
  }),
  'issuance.start': defineMethod({
    summary: 'Begin a ceremony by one of the routines.',
    attempt: { en: 'Beginning the ceremony', sv: 'Att påbörja ärendet' },
    since: 1,
    scope: 'issuance',
    rest: path('start'),
    params: Closed({
      routine: Type.String({ maxLength: 60 }),
      isProtected: Type.Optional(
        Type.Boolean({ description: 'It concerns protected personal data. Needs the scope issuance.protected.' }),
      ),
    }),
    result: Ceremony,
    errors: ['journal_lost', 'journal_unavailable', 'routine_unknown'],
  }),
  'issuance.unblockPin': defineMethod({
    summary: 'Take a step by setting a PIN of the participant’s card anew, with the PUK. Both are typed in kortd’s own prompt.',
    attempt: { en: 'Unblocking the PIN', sv: 'Att låsa upp PIN-koden' },
    ...onCard({ ...pinStepParams, pinReference: PinReference, puk: PukParam, newPin: NewPinParam }),
    rest: path('unblock'),
    errors: [...pinStepErrors, 'object_not_found'],
  }),
  'issuance.verifyPin': defineMethod({
    summary:
      'Take a step by proving the PIN: under it, the authentication key of the participant’s card signs a fresh challenge, which is checked against its certificate.',
    attempt: { en: 'Verifying the PIN', sv: 'Att kontrollera PIN-koden' },
    ...onCard({ ...pinStepParams, pin: PinParam }),
    rest: path('verifypin'),
    errors: [...pinStepErrors, 'algorithm_unsupported', 'key_not_found', 'object_not_found', 'public_key_mismatch'],
  }),
  'issuance.writeCertificates': defineMethod({
    summary:
      'Write the certificates that the certification authority issued. Each is checked first: key, person, card, level, usage, validity and issuer; and read back after.',
    attempt: { en: 'Writing the certificates', sv: 'Att skriva certifikaten' },
    ...onCard({
      ...changeParams,
      certificates: CertificateList('One for each key, in any order.'),
    }),
    rest: path('certificates'),
    errors: [
      ...changeErrors,
      ...stepErrors,
      'card_full',
      'certificate_invalid',
      'certificates_refused',
      'key_not_found',
      'order_expired',
      'public_key_mismatch',
    ],
  }),
} as const;

/**
 * How the errors of issuance are provoked. Every method gets a ceremony in which it is next; the job of those that change a card is on the very card that all
 * provocations of cards use. PINs are those of an e-ID card, which is changed by them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import { createEidCard, type EidCardDescription } from '../../drivers/simulated/cards/eid.ts';
import type { CeremonyEntry, JobCard } from '../../daemon/issuance/entry.ts';
import { SEAL_FILE, openSeal } from '../../daemon/issuance/evidence/seal.ts';
import { exportCeremony } from '../../daemon/issuance/evidence/transfer.ts';
import { Journal } from '../../daemon/issuance/journal.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../daemon/issuance/open-issuance.ts';
import { standardRoutines } from '../../daemon/issuance/routines.ts';
import { RESERVE_NUMBER, issueTo } from '../issuance/office.ts';
import { TestStation } from '../prompts/station.ts';
import {
  ANNA,
  ON_EID,
  ON_PIV,
  certificateOfJob,
  failDisk,
  inDays,
  issued,
  job,
  keyOn,
  ordered,
  receipt,
  renewing,
  writeCeremony,
  type WrittenCeremony,
} from './issuance-ceremonies.ts';
import type { StepMethod } from './issuance-step-provocations.ts';
import { certificate, keypad, makeCard, withFault, type Provocation, type ProvocationsOf, type Stage } from './provocation.ts';
import {
  INS,
  PIN,
  WRONG_MANAGEMENT_KEY,
  WRONG_PIN,
  WatchedCard,
  cardKey,
  eventually,
  resultOf,
  testKey,
  type Bench,
  type WatchedPivCard,
} from './support.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';

/** The others are in a table of their own. */
type IssuanceMethod = Exclude<Extract<MethodName, `issuance.${string}`>, StepMethod>;
type CardMethod = keyof typeof CEREMONIES;
type ChangeMethod = Exclude<CardMethod, 'issuance.readCard' | 'issuance.sign'>;

/** Of those that use a card: the ceremony in which they are next. */
const CEREMONIES = {
  'issuance.cancel': (card) => ({ entries: [...ordered(), ...job(card, 'writing')] }),
  'issuance.confirm': (card) => ({
    entries: [
      ...ordered(),
      ...job(card, 'finished', { replaces: [{ keyReference: keyOn(card), der: ownCertificate(card) }] }),
      receipt,
    ],
  }),
  'issuance.enrol': () => ({ entries: ordered() }),
  'issuance.readCard': () => ({ routine: 'renewal' }),
  'issuance.requestCertificates': (card) => ({ entries: [...ordered(), ...job(card, 'waiting'), issued(card)] }),
  'issuance.resume': (card) => ({ entries: [...ordered(), ...job(card, 'making')] }),
  'issuance.sign': () => ({ entries: ordered().slice(0, 1) }),
  'issuance.writeCertificates': (card) => ({ entries: [...ordered(), ...job(card, 'waiting')] }),
} as const satisfies Partial<Record<IssuanceMethod, (card: JobCard) => WrittenCeremony>>;

const managementKey = 'default';
const statement = { step: 'ordered', language: 'sv', pin: PIN } as const;

/** Without the ceremony. */
const PARAMS: Readonly<Partial<Record<IssuanceMethod, object>>> = {
  'issuance.cancel': { reason: 'the holder did not come', managementKey },
  'issuance.confirm': { managementKey },
  'issuance.enrol': { step: 'download', managementKey, pin: PIN },
  'issuance.evidence': {},
  'issuance.export': {},
  'issuance.get': {},
  'issuance.import': { transfer: { data: 'MIIK' } },
  'issuance.list': {},
  'issuance.listAuthorities': {},
  'issuance.listRoutines': {},
  'issuance.readCard': { step: 'card' },
  'issuance.record': { step: 'terms', fields: { accepted: 'yes' } },
  'issuance.requestCertificates': { managementKey, authority: 'office' },
  'issuance.resume': { managementKey, pin: PIN },
  'issuance.sign': statement,
  'issuance.start': { routine: 'renewal' },
  'issuance.writeCertificates': { managementKey, certificates: [certificateOfJob()] },
};
const WITHOUT_CEREMONY: readonly MethodName[] = [
  'issuance.import',
  'issuance.list',
  'issuance.listAuthorities',
  'issuance.listRoutines',
  'issuance.start',
];

export function isIssuanceMethod(method: MethodName): method is IssuanceMethod {
  return method in PARAMS;
}

function isCardMethod(method: MethodName): method is CardMethod {
  return method in CEREMONIES;
}

/** Parameters with which the method succeeds, but for the card. */
export function goodIssuanceParams(bench: Bench, method: IssuanceMethod, card: JobCard = ON_PIV): object {
  if (WITHOUT_CEREMONY.includes(method)) return PARAMS[method] ?? {};
  const written = isCardMethod(method)
    ? CEREMONIES[method](card)
    : method === 'issuance.evidence'
      ? ({ routine: 'renewal', entries: [...renewing(), ...job(ON_PIV, 'confirming'), CONFIRMED] } as const)
      : ({ routine: 'renewal', entries: renewing().slice(0, 1) } as const);
  return { ...PARAMS[method], ceremony: writeCeremony(bench, written) };
}

/** Beside them, what must be sealed first: a ceremony that this desk exported, and takes back. */
export async function goodTransfer(bench: Bench, method: MethodName): Promise<object> {
  if (method !== 'issuance.import') return {};
  const ceremony = writeCeremony(bench, { entries: [{ type: 'ceremony.exported' }] });
  using journal = new Journal(join(bench.dataFolder, ISSUANCE_JOURNAL_FILE));
  const routine = standardRoutines().get('reserve-card-loa3');
  if (!routine) throw new Error('there is such a routine');
  const seal = await openSeal({ folder: bench.dataFolder, now: () => new Date() });
  const bytes = await exportCeremony({ ceremony: { id: ceremony, routine }, entries: journal.entriesOf(ceremony) }, seal);
  return { transfer: { data: Buffer.from(bytes).toString('base64') } };
}

/** The card with which the method succeeds; undefined for those that use none. */
export function goodIssuanceCard(method: MethodName): SimulatedCard | undefined {
  if (method === 'issuance.readCard') return persona('cecilia');
  if (method === 'issuance.sign') return persona('bjorn');
  if (method === 'issuance.enrol') return makeReserveCard();
  return isCardMethod(method) ? makeCard() : undefined;
}

function persona(name: string, options: EidCardDescription = {}): SimulatedCard {
  return createEidCard({ persona: name, pins: { legitimering: PIN, underskrift: PIN }, ...options });
}

/** The number on the card stands in a certificate; its other places are free. */
function makeReserveCard(options: Parameters<typeof makeCard>[0] = {}): WatchedPivCard {
  const { keys, ...others } = options;
  return makeCard({ keys: { '9D': cardKey('P-256', { certificate: certificateOfJob() }), ...keys }, ...others });
}

/** With the key of the job, and a certificate for it. */
function jobEid(options: EidCardDescription = {}): SimulatedCard {
  return createEidCard({
    profile: 'plain',
    cardNumber: RESERVE_NUMBER,
    pins: { legitimering: PIN, underskrift: '654322' },
    keys: { legitimering: cardKey('P-256', { certificate: EID_CERTIFICATE }) },
    ...options,
  });
}

const EID_CERTIFICATE = certificateOfJob({ validTo: inDays(5) });
const ownCertificate = ({ profile }: JobCard): string => (profile === 'piv' ? certificate : EID_CERTIFICATE);

/** On an e-ID card, under the PIN for legitimering. */
function onEid(changes: object, options: EidCardDescription = {}, reader = 0): Provocation {
  return async ({ bench, method, call }) => {
    const id = await bench.insert(eidFor(method, options), reader);
    return await call(id, { ...eidParams(bench, method), pin: PIN, ...changes });
  };
}

function eidFor(method: MethodName, options: EidCardDescription): SimulatedCard {
  if (method === 'issuance.sign') return persona('bjorn', options);
  const pins = { legitimering: PIN };
  return method === 'issuance.enrol'
    ? createEidCard({ profile: 'plain', cardNumber: RESERVE_NUMBER, preparedKeys: 'P-256', pins, ...options })
    : jobEid(options);
}

function eidParams(bench: Bench, method: MethodName): object {
  if (method === 'issuance.sign') return { keyReference: '45' };
  return isIssuanceMethod(method)
    ? { ...goodIssuanceParams(bench, method, ON_EID), managementKey: undefined, ...pinOf(method) }
    : {};
}

/** A call that may come twice says which of the card's PINs it brings. */
function pinOf(method: MethodName): object {
  return method === 'issuance.resume' ? { pinReference: '81' } : {};
}

const PIN_PROVOCATIONS: ProvocationsOf<ErrorCode> = {
  pin_blocked: onEid({ pin: WRONG_PIN, allowLastTry: true }, { pinAttempts: { legitimering: 1 } }),
  pin_cancelled: async (stage) => {
    keypad.types = 'cancel';
    return await onEid({ pin: undefined }, {}, 1)(stage);
  },
  pin_format_invalid: onEid({ pin: '1' }),
  pin_last_try: onEid({}, { pinAttempts: { legitimering: 1 } }),
  pin_rejected: onEid({ pin: WRONG_PIN }),
  pin_required: onEid({ pin: undefined }),
  prompt_failed: async (stage) => {
    await using station = await TestStation.open(stage.bench);
    const answer = onEid({ pin: undefined })(stage);
    station.answer((await station.prompt()).id, 'failed');
    return await answer;
  },
};

/** In another ceremony than the one in which it is next. */
function inCeremony(written: WrittenCeremony, changes: object = {}): Provocation {
  return async ({ bench, method, call }) => {
    const card = goodIssuanceCard(method);
    const id = card && (await bench.insert(card));
    return await call(id, { ceremony: writeCeremony(bench, written), ...changes });
  };
}

/** On this card. */
function on(make: () => SimulatedCard, changes: object = {}, written?: WrittenCeremony): Provocation {
  return async ({ bench, call }) => {
    const ceremony = written && { ceremony: writeCeremony(bench, written) };
    return await call(await bench.insert(make()), { ...ceremony, ...changes });
  };
}

/** While a cancellation waits for its card. */
async function busy({ bench, api, call }: Stage, { takesCard }: { readonly takesCard: boolean }): ReturnType<Provocation> {
  const card = makeCard();
  const id = await bench.insert(card);
  const ceremony = writeCeremony(bench, CEREMONIES['issuance.cancel'](ON_PIV));
  const { promise, resolve } = Promise.withResolvers<undefined>();
  card.hold = promise;
  const first = api.call('issuance.cancel', { ceremony, card: id, reason: 'first', managementKey });
  await eventually('the first call to run', () => bench.daemon.desk.readers[0]?.queue.length === 1);
  const outcome = await call(takesCard ? id : undefined, { ceremony });
  resolve(undefined);
  resultOf(await first);
  return outcome;
}

const CEREMONY_PROVOCATIONS: ProvocationsOf<ErrorCode> = {
  ceremony_away: inCeremony({ entries: [{ type: 'ceremony.exported' }] }),
  ceremony_busy: (stage) => busy(stage, { takesCard: true }),
  ceremony_closed: inCeremony({ entries: [{ type: 'ceremony.cancelled', reason: 'nobody came' }] }),
  ceremony_step_order: inCeremony({}),
  ceremony_unknown: async ({ call }) => await call(undefined, { ceremony: 'ceremony-of-nobody' }),
  clock_set_back: async ({ bench, method, call }) => {
    const card = goodIssuanceCard(method);
    const written = isCardMethod(method) ? CEREMONIES[method](ON_PIV) : { entries: [] };
    const ceremony = writeCeremony(bench, { ...written, time: inDays(1) });
    return await call(card && (await bench.insert(card)), { ceremony });
  },
  journal_unavailable: async ({ bench, method, call }) => {
    const card = goodIssuanceCard(method);
    const id = card && (await bench.insert(card));
    failDisk(bench);
    return await call(id);
  },
};

const CHANGE_PROVOCATIONS: ProvocationsOf<ErrorCode> = {
  card_other: on(() => makeCard({ serialNumber: 2 })),
  management_key_rejected: onGood({ managementKey: WRONG_MANAGEMENT_KEY }),
  management_key_required: onGood({ managementKey: undefined }),
  object_not_found: onEid({ pinReference: '7F' }),
};

/** Two cards of one person, at the readers of two that must not be the same. */
const samePerson: Provocation = async ({ bench, call }) => {
  const holder = { reader: { serialNumber: 'BENCH-FIRST' }, notSamePersonAs: ['operator'] };
  await bench.setPolicy({ roles: { operator: { reader: { serialNumber: 'BENCH-SECOND' } }, holder } });
  const keys = { '9C': cardKey('P-256', { certificate: derOf(certificateOfAnna('P-256')) }) };
  for (const index of [0, 1]) await bench.insert(makeCard({ serialNumber: index + 1, keys }), index);
  return await call({ role: 'holder' });
};

function underPolicy(issuance: object): Provocation {
  return async ({ bench, call }) => {
    await bench.setPolicy({ issuance });
    return await call(undefined);
  };
}

function onGood(changes: object): Provocation {
  return async ({ bench, method, call }) => {
    const card = goodIssuanceCard(method);
    return await call(card && (await bench.insert(card)), changes);
  };
}

/** Says of the key that it makes that it is another one. */
class LyingCard extends WatchedCard {
  override async process(command: Uint8Array): Promise<Uint8Array> {
    const answer = await super.process(command);
    if (command[1] !== INS.generate || answer.length < 67) return answer;
    // An uncompressed point ends the answer; its two bytes of status follow.
    const point = testKey('P-256', 'other').publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
    const lie = Uint8Array.from(answer);
    lie.set(point, answer.length - 2 - point.length);
    return lie;
  }
}

const freeKeys = { '9A': cardKey('P-256'), '9C': cardKey('P-256') };
const lying = (): SimulatedCard => new LyingCard(makeReserveCard({ keys: freeKeys }));

/** Answers each exchange in turn with a status word, in a new ceremony each time, until the code comes. */
function onEveryExchange(statusWord: string, wanted: ErrorCode): Provocation {
  return async ({ bench, method, call }) => {
    for (let at = 1; at < 80; at++) {
      const card = goodIssuanceCard(method);
      if (!card || !isIssuanceMethod(method)) break;
      const id = await bench.insert(card);
      const params = goodIssuanceParams(bench, method);
      bench.reader().arm([{ kind: 'statusWord', at, statusWord }]);
      const outcome = await call(id, params);
      bench.reader().disarm();
      if (outcome === wanted) return outcome;
    }
    return 'ok';
  };
}

/** A card that was renewed, and is to be so again. */
function renewedBefore(entries: (cardNumber: string) => WrittenCeremony['entries'], changes: object = {}): Provocation {
  return async ({ bench, method, call }) => {
    const card = goodIssuanceCard(method);
    const id = card && (await bench.insert(card));
    const cardNumber =
      bench.daemon.desk.cards[0]?.kind?.id === 'eid' ? (bench.daemon.desk.cards[0].serialNumber ?? '') : RESERVE_NUMBER;
    const done = [...renewing(cardNumber), ...job(ON_PIV, 'confirming'), CONFIRMED];
    writeCeremony(bench, { routine: 'renewal', entries: done });
    const ceremony = writeCeremony(bench, { routine: 'renewal', entries: entries(cardNumber) ?? [] });
    return await call(id, { ceremony, ...changes });
  };
}

const CONFIRMED = { type: 'step.card', step: 'download', entry: { type: 'job.confirmed' } } as const;
/** An authority gave the certificate of another key. */
const issuedToAnother = [
  ...ordered(),
  ...job(ON_PIV, 'waiting'),
  issued(ON_PIV, derOf(issueTo(testKey('P-256', 'other').publicKey, 'authentication'))),
];
const lateOrder = { entries: ordered({ validTo: inDays(-2).toISOString().slice(0, 10) }) };

/** With the key of an administrator that kortd trusts, at 9C. */
function signingCard(key: NonNullable<Parameters<typeof makeCard>[0]>['keys']): () => SimulatedCard {
  return () => makeCard({ keys: { ...key } });
}

function certificateOfAnna(kind: 'P-256' | 'RSA-1024', name = ''): string {
  const options = { name: ANNA.name ?? '', hsaId: ANNA.hsaId ?? '', cardNumber: '9752000000000000201', validTo: inDays(20) };
  return Buffer.from(issueTo(testKey(kind, name).publicKey, 'signature', options)).toString();
}

function derOf(pem: string): string {
  return pem.replaceAll(/-----[^-]+-----|\s/g, '');
}

/** A renewal whose key is not on the card. */
function withoutKey(more: (card: JobCard) => readonly CeremonyEntry[]): Provocation {
  const entries = [...renewing(), ...job(ON_PIV, 'waiting'), ...more(ON_PIV)];
  return on(() => makeCard({ keys: {} }), { pin: PIN }, { routine: 'renewal', entries });
}

/** A renewal in whose key's place another one is. */
function withOtherKey(more: (card: JobCard) => readonly CeremonyEntry[]): Provocation {
  return async ({ bench, call }) => {
    const other = { '9A': cardKey('P-256', { name: 'other' }) };
    const id = await bench.insert(makeCard({ profile: 'plain', keys: other }));
    const card = { profile: 'piv', serialNumber: bench.daemon.desk.cards[0]?.serialNumber ?? '' };
    const entries = [...renewing(), ...job(card, 'waiting'), ...more(card)];
    return await call(id, { ceremony: writeCeremony(bench, { routine: 'renewal', entries }), pin: PIN });
  };
}

const METHOD_PROVOCATIONS: Readonly<Partial<Record<IssuanceMethod, ProvocationsOf<ErrorCode>>>> = {
  'issuance.cancel': {
    card_full: on(
      () => makeCard({ keys: {}, capacityBytes: 100 }),
      {},
      {
        entries: [...ordered(), ...job(ON_PIV, 'writing', { before: [{ keyReference: '9A', der: certificateOfJob() }] })],
      },
    ),
    ceremony_step_order: inCeremony({ entries: [...ordered(), ...job(ON_PIV, 'confirming'), receipt] }),
  },
  'issuance.confirm': {
    card_already_renewed: renewedBefore((number) => [...renewing(number), ...job(ON_PIV, 'finished')]),
    ceremony_step_order: inCeremony({ entries: [...ordered(), ...job(ON_PIV, 'confirming'), receipt] }),
    steps_missing: inCeremony({ entries: [...ordered(), ...job(ON_PIV, 'finished')] }),
  },
  'issuance.enrol': {
    card_data_invalid: withFault({ kind: 'truncate', at: 1, lengthBytes: 1 }, { kind: 'truncate', at: 2, lengthBytes: 1 }),
    card_refused: onEveryExchange('6F00', 'card_refused'),
    algorithm_unsupported: onEveryExchange('6A80', 'algorithm_unsupported'),
    card_already_renewed: renewedBefore(renewing),
    card_not_for_issuance: on(() => makeCard({ profile: 'plain', objects: { '5FC102': '' } })),
    card_other: on(makeCard),
    key_not_found: onEveryExchange('6A88', 'key_not_found'),
    no_free_key_container: on(() => makeReserveCard({ keys: { '9A': cardKey('P-256', { certificate }) } })),
    order_expired: inCeremony(lateOrder),
    participant_refused: inCeremony({ entries: ordered({ hsaId: ANNA.hsaId ?? '' }) }),
    public_key_mismatch: on(lying),
  },
  // What is remembered of the card is asked for first; a fault there only makes the daemon read anew.
  'issuance.readCard': {
    card_data_invalid: withFault({ kind: 'truncate', at: 1, lengthBytes: 1 }, { kind: 'truncate', at: 2, lengthBytes: 1 }),
    card_refused: withFault({ kind: 'statusWord', at: 1, statusWord: '6F00' }, { kind: 'statusWord', at: 4, statusWord: '6F00' }),
    card_already_renewed: renewedBefore(() => []),
    card_other: on(
      () => persona('cecilia'),
      {},
      {
        routine: 'ordinary-card-handed-out',
        entries: [{ type: 'step.recorded', step: 'order', fields: { cardNumber: RESERVE_NUMBER } }],
      },
    ),
    participant_refused: on(makeCard),
  },
  'issuance.evidence': {
    evidence_missing: inCeremony({}),
    evidence_unavailable: underPolicy({ evidenceRecipients: ['/etc/kortd/none.pem'] }),
  },
  'issuance.export': {
    ceremony_busy: (stage) => busy(stage, { takesCard: false }),
    evidence_unavailable: async ({ bench, call }) => {
      writeFileSync(join(bench.dataFolder, SEAL_FILE), 'no key');
      return await call(undefined);
    },
  },
  'issuance.import': {
    content_not_found: async ({ call }) => await call(undefined, { transfer: { upload: 'none' } }),
    evidence_unavailable: underPolicy({ trustedDesks: ['/etc/kortd/none.pem'] }),
    transfer_invalid: async ({ call }) => await call(undefined, { transfer: { data: 'MIIK' } }),
  },
  'issuance.record': {
    ceremony_busy: (stage) => busy(stage, { takesCard: false }),
    card_already_renewed: renewedBefore((number) => renewing(number).slice(0, 1)),
    fields_invalid: async ({ call }) => await call(undefined, { fields: { accepted: 'perhaps' } }),
  },
  'issuance.requestCertificates': {
    authority_misconfigured: async (stage) => {
      // The request of these ceremonies is none.
      const authority = { name: 'office', protocol: 'est', url: 'http://127.0.0.1:9' };
      await stage.bench.setPolicy({ issuance: { authorities: [authority] } });
      return await inCeremony({ entries: [...ordered(), ...job(ON_PIV, 'waiting')] })(stage);
    },
    authority_unknown: inCeremony({ entries: [...ordered(), ...job(ON_PIV, 'waiting')] }),
    card_full: on(() => makeCard({ keys: { '9A': cardKey('P-256') }, capacityBytes: 100 })),
    certificates_refused: inCeremony({ entries: issuedToAnother }),
    key_not_found: withoutKey((card) => [issued(card)]),
    order_expired: inCeremony({ entries: [...lateOrder.entries, ...job(ON_PIV, 'waiting'), issued(ON_PIV)] }),
    public_key_mismatch: withOtherKey((card) => [issued(card)]),
  },
  'issuance.resume': {
    algorithm_unsupported: on(
      () => makeCard({ firmware: '5.4.3' }),
      {},
      {
        entries: [...ordered(), ...job(ON_PIV, 'making', { algorithm: 'RSA-4096' })],
      },
    ),
    card_full: on(
      () => makeCard({ keys: { '9A': cardKey('P-256') }, capacityBytes: 100 }),
      {},
      {
        entries: [...ordered(), ...job(ON_PIV, 'writing')],
      },
    ),
    certificates_refused: inCeremony({ entries: issuedToAnother }),
    key_not_found: on(() => makeCard({ keys: {} }), {}, { entries: [...ordered(), ...job(ON_PIV, 'generated')] }),
    order_expired: inCeremony({ entries: [...lateOrder.entries, ...job(ON_PIV, 'waiting'), issued(ON_PIV)] }),
    public_key_mismatch: on(lying),
  },
  'issuance.sign': {
    card_refused: onEveryExchange('6F00', 'card_refused'),
    algorithm_not_allowed: on(signingCard({ '9C': cardKey('RSA-1024', { certificate: derOf(certificateOfAnna('RSA-1024')) }) })),
    algorithm_unsupported: onEveryExchange('6A80', 'algorithm_unsupported'),
    card_not_taken_out: on(
      () => persona('cecilia'),
      { step: 'vouched' },
      {
        routine: 'reserve-card-vouched',
        entries: [
          { type: 'step.read', step: 'card', person: { cardNumber: '9752000000000000037' } },
          { type: 'step.recorded', step: 'person', fields: {} },
        ],
      },
    ),
    card_other: on(() => persona('cecilia'), { step: 'receipt' }, { entries: [...ordered(), ...job(ON_PIV, 'finished')] }),
    ceremony_late: on(
      () => persona('cecilia'),
      { step: 'receipt' },
      {
        entries: [...ordered(), ...job(ON_PIV, 'finished')],
        time: new Date(Date.now() - 16 * 60_000),
      },
    ),
    key_not_found: async ({ bench, api, call }) => {
      const card = signingCard({ '9C': cardKey('P-256', { certificate: derOf(certificateOfAnna('P-256')) }) });
      const id = await bench.insert(card());
      resultOf(await api.call('key.delete', { card: id, keyReference: '9C', managementKey }));
      return await call(id);
    },
    object_not_found: on(() => makeCard({ keys: {} })),
    participant_refused: on(() => persona('cecilia')),
    public_key_mismatch: on(signingCard({ '9C': cardKey('P-256', { certificate: derOf(certificateOfAnna('P-256', 'other')) }) })),
  },
  'issuance.start': {
    routine_unknown: async ({ call }) => await call(undefined, { routine: 'none' }),
  },
  'issuance.writeCertificates': {
    card_full: on(() => makeCard({ keys: { '9A': cardKey('P-256') }, capacityBytes: 100 })),
    certificate_invalid: onGood({ certificates: ['none'] }),
    certificates_refused: onGood({ certificates: [issueTo(testKey('P-256', 'other').publicKey, 'authentication')] }),
    key_not_found: withoutKey(() => []),
    order_expired: inCeremony({ entries: [...lateOrder.entries, ...job(ON_PIV, 'waiting')] }),
    public_key_mismatch: withOtherKey(() => []),
  },
};

function isChangeMethod(method: MethodName): method is ChangeMethod {
  return isCardMethod(method) && method !== 'issuance.readCard' && method !== 'issuance.sign';
}

/** Undefined: as with any other method. */
export function issuanceProvocation(method: MethodName, code: ErrorCode): Provocation | undefined {
  if (!isIssuanceMethod(method)) return undefined;
  return (
    METHOD_PROVOCATIONS[method]?.[code] ??
    (isChangeMethod(method) ? CHANGE_PROVOCATIONS[code] : undefined) ??
    (code === 'same_person' ? samePerson : undefined) ??
    CEREMONY_PROVOCATIONS[code] ??
    PIN_PROVOCATIONS[code]
  );
}

const NO_TIME = 'no routine that comes with kortd gives such a step a time after which something is undone';

/** What simulated parts cannot provoke, and why. */
export const ISSUANCE_NOT_PROVOKED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['enrol', 'readCard', 'record', 'requestCertificates', 'resume', 'writeCertificates'].map((name) => [
      `issuance.${name} ceremony_late`,
      NO_TIME,
    ]),
  ),
  ...Object.fromEntries(
    ['cancel', 'confirm', 'enrol', 'requestCertificates', 'resume', 'sign', 'writeCertificates'].map((name) => [
      `issuance.${name} pin_limit_reached`,
      'test/prompts/prompts.test.ts: only pages are counted',
    ]),
  ),
  ...Object.fromEntries(
    [
      ...['ceremony_busy', 'ceremony_unknown', 'clock_set_back', 'journal_unavailable', 'transfer_already_taken'],
      ...['transfer_broken', 'transfer_diverged', 'transfer_routine_differs', 'transfer_seal_untrusted'],
    ].map((code) => [
      `issuance.import ${code}`,
      'test/issuance/evidence.test.ts, evidence-protected.test.ts: it takes a card office, or two',
    ]),
  ),
  ...Object.fromEntries(
    ['issuance.evidence', 'issuance.export'].map((method) => [
      `${method} contents_full`,
      'test/signing/contents.test.ts: it takes as much as the store holds',
    ]),
  ),
  ...Object.fromEntries(
    ['answer_invalid', 'refused', 'unreachable', 'waits'].map((what) => [
      `issuance.requestCertificates authority_${what}`,
      'test/issuance/authority/request-certificates.test.ts: it takes a server',
    ]),
  ),
  'issuance.import journal_lost': 'test/cli/databases.test.ts: it takes a damaged journal',
  'issuance.start journal_lost': 'test/cli/databases.test.ts: it takes a damaged journal',
  'issuance.sign key_not_for_web': 'test/issuance/bad-input.test.ts: only a web origin gets it',
};

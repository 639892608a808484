/**
 * How each documented error of each method is provoked: for conformance.test.ts, which holds the methods against these tables. What cannot be provoked there is
 * named with the place where it is.
 */
import { type ErrorCode } from '../../api-spec/errors.ts';
import { EXAMPLE_CMS, EXAMPLE_CONTENT } from '../../api-spec/generate/example-signatures.ts';
import { type MethodName } from '../../api-spec/methods/index.ts';
import { DeviceProtocolError } from '../../drivers/errors.ts';
import { createMuteCard } from '../../drivers/simulated/faults.ts';
import {
  PIN,
  PUK,
  WRONG_MANAGEMENT_KEY,
  WRONG_PIN,
  WRONG_PUK,
  cardKey,
  certificateFor,
  createOtherCard,
  eventually,
  openBench,
  outcomeOf,
  resultOf,
  testKey,
  type watchedPivCard,
  type Bench,
} from './support.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { DOCUMENT_PROVOCATIONS, GOOD_DOCUMENT, goodVerdict, isDocumentMethod } from './document-provocations.ts';
import {
  goodIssuanceParams,
  goodTransfer,
  isIssuanceMethod,
  issuanceProvocation,
  ISSUANCE_NOT_PROVOKED,
} from './issuance-provocations.ts';
import { GOOD_PADS, PADS_NOT_PROVOKED, PAD_PROVOCATIONS } from './pad-provocations.ts';
import { STEPS_NOT_PROVOKED, goodStepParams, isStepMethod, stepProvocation } from './issuance-step-provocations.ts';
import { OFFICE_RULES } from '../issuance/office.ts';
import { TRACE_PROVOCATIONS } from './trace-provocations.ts';
import { SCANNER_PROVOCATIONS } from './scanner-provocations.ts';
import { GOOD_READING, PASSPORT_PROVOCATIONS } from './passport-provocations.ts';
import { certificate, keypad, makeCard, withFault, type Provocation, type Stage } from './provocation.ts';
import { TestStation } from '../prompts/station.ts';
import { ONE_PAGE, certifiedPdf, endlessPdf, writePdf } from '../signing/pdf-files.ts';

const managementKey = 'default';
const digest = Buffer.alloc(32, 9).toString('base64');
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** Parameters with which each method of a card succeeds. */
export const GOOD: Readonly<Partial<Record<MethodName, object>>> = {
  ...GOOD_PADS,
  'card.lease': {},
  'card.read': { refresh: true },
  'card.transmit': { commands: ['00A4040005A000000308'] },
  'certificate.delete': { keyReference: '9A', managementKey },
  'certificate.list': {},
  'certificate.request': { keyReference: '9A', subject: 'CN=Anna', pin: PIN },
  'certificate.write': { keyReference: '9A', certificate, managementKey },
  'key.delete': { keyReference: '9A', managementKey },
  'login.authenticate': { challenge: Buffer.alloc(33, 5).toString('base64'), origin: 'https://login.example', pin: PIN },
  'key.generate': { keyReference: '9C', algorithm: 'P-256', managementKey },
  'passport.read': GOOD_READING,
  'pin.change': { pin: PIN, newPin: PIN },
  'pin.unblock': { puk: PUK, newPin: PIN },
  'pin.verify': { pin: PIN },
  'sign.addSigner': { keyReference: '9A', cms: { data: EXAMPLE_CMS }, content: { data: EXAMPLE_CONTENT }, pin: PIN },
  'sign.cms': { keyReference: '9A', content: { data: EXAMPLE_CONTENT }, detached: true, pin: PIN },
  'sign.batch': { keyReference: '9A', algorithm: 'ES256', documents: [{ name: 'Receipt', digest }], pin: PIN },
  'sign.digest': { keyReference: '9A', algorithm: 'ES256', digest, pin: PIN },
  'sign.pdf': { keyReference: '9A', pdf: { data: base64(writePdf(ONE_PAGE)) }, pin: PIN },
  'signature.verify': { cms: { data: EXAMPLE_CMS }, content: { data: EXAMPLE_CONTENT } },
};

/** What was provoked: "method code". */
export const provoked = new Set<string>();

const onCard =
  (changes: object, options: Parameters<typeof watchedPivCard>[0] = {}): Provocation =>
  async ({ bench, call }) =>
    await call(await bench.insert(makeCard(options)), changes);

const FIRST = { serialNumber: 'BENCH-FIRST' };
const TWO_PERSONS = {
  operator: { reader: { serialNumber: 'BENCH-SECOND' } },
  holder: { reader: FIRST, notSamePersonAs: ['operator'] },
};

/** Cards of one person. */
function cardOf(serialNumber: number): ReturnType<typeof watchedPivCard> {
  const own = certificateFor(testKey('P-256').publicKey, { hsaId: 'SE2321000016-BENCH1' });
  return makeCard({ serialNumber, keys: { '9A': cardKey('P-256', { certificate: own }) } });
}

/** The holder's card, under such a policy. */
function byRole(roles: object, cards: () => readonly ReturnType<typeof makeCard>[] = () => []): Provocation {
  return async ({ bench, call }) => {
    await bench.setPolicy({ roles });
    for (const [index, card] of cards().entries()) await bench.insert(card, index);
    return await call({ role: 'holder' });
  };
}

/** How each error of cards is provoked, whatever the method. */
const CARD_PROVOCATIONS: Readonly<Partial<Record<ErrorCode, Provocation>>> = {
  card_busy: async ({ bench, api, call }) => {
    const id = await bench.insert(makeCard());
    resultOf(await api.call('card.lease', { card: id }));
    return await call(id);
  },
  card_data_invalid: withFault({ kind: 'truncate', at: 1, lengthBytes: 1 }),
  card_refused: withFault(
    { kind: 'statusWord', at: 2, statusWord: '6F00' },
    { kind: 'statusWord', at: 3, statusWord: '6F00' },
    { kind: 'statusWord', at: 4, statusWord: '6F00' },
  ),
  card_removed: withFault({ kind: 'pull', at: 1 }),
  card_reset: withFault({ kind: 'reset', at: 1 }, { kind: 'reset', at: 2 }),
  card_unresponsive: withFault({ kind: 'mute', from: 1 }),
  card_unsupported: async ({ bench, call }) => await call(await bench.insert(createOtherCard())),
  lease_invalid: async ({ bench, method, call }) =>
    method === 'card.release'
      ? await call(undefined, { lease: 'none' })
      : await call(await bench.insert(makeCard()), { lease: 'none' }),
  no_card: async ({ bench, call }) => await call({ reader: bench.readerId() }),
  not_found: async ({ call }) => await call('card-of-nobody'),
  reader_failed: async ({ bench, call }) => {
    const id = await bench.insert(makeCard());
    bench.intercept.refuse = () => new DeviceProtocolError('connecting to the reader: it answered nonsense');
    return await call(id);
  },
  reader_unavailable: async ({ bench, call }) => {
    bench.source.stopService();
    await eventually('the reader to be away', () => bench.daemon.desk.readers[0]?.status === 'unavailable');
    return await call({ reader: bench.readerId() });
  },
  card_not_allowed: byRole({ holder: { reader: FIRST, cards: [{ hsaId: 'SE2321000016-OTHER' }] } }, () => [cardOf(1)]),
  other_card_needed: byRole(TWO_PERSONS, () => [cardOf(1)]),
  role_ambiguous: byRole({ holder: { reader: { name: 'Bench' } } }),
  role_policy_refused: async ({ call }) => await call({ role: 'holder' }),
  role_reader_away: byRole({ holder: { reader: { serialNumber: 'gone' } } }),
  role_unassigned: byRole({}),
  same_person: byRole(TWO_PERSONS, () => [cardOf(1), cardOf(2)]),
  service_unavailable: async ({ bench, call }) => {
    const id = await bench.insert(makeCard());
    bench.reader().arm([{ kind: 'delay', delayMs: 60_000 }]);
    const outcome = call(id);
    await eventually('the call to run', () => bench.daemon.desk.readers[0]?.queue.length === 1);
    bench.source.stopService();
    return await outcome;
  },
};

const EID_PIN = '123456';
/** The same calls on a card that lets itself be changed by a PIN. */
const ON_EID: Readonly<Partial<Record<MethodName, object>>> = {
  'certificate.delete': { keyReference: '45', managementKey: undefined, pin: EID_PIN },
  'key.generate': { keyReference: '45', algorithm: 'RSA-2048', managementKey: undefined, pin: EID_PIN },
};

const onEid =
  (changes: object, options: Parameters<typeof createEidCard>[0] = {}): Provocation =>
  async ({ bench, method, call }) => {
    const card = createEidCard({ persona: 'cecilia', pins: { legitimering: EID_PIN }, ...options });
    return await call(await bench.insert(card), { ...ON_EID[method], ...changes });
  };

/** The PIN errors of methods that change a card, which a PIV card does by its management key. */
const PIN_PROVOCATIONS_ON_EID: Readonly<Partial<Record<ErrorCode, Provocation>>> = {
  pin_blocked: onEid({ pin: WRONG_PIN, allowLastTry: true }, { pinAttempts: { legitimering: 1 } }),
  pin_cancelled: async ({ bench, method, call }) => {
    keypad.types = 'cancel';
    const id = await bench.insert(createEidCard({ persona: 'cecilia' }), 1);
    return await call(id, { ...ON_EID[method], pin: undefined });
  },
  pin_format_invalid: onEid({ pin: '1' }),
  pin_last_try: onEid({ pin: WRONG_PIN }, { pinAttempts: { legitimering: 1 } }),
  pin_rejected: onEid({ pin: WRONG_PIN }),
  pin_required: onEid({ pin: undefined }),
  prompt_failed: async ({ bench, method, call }) => {
    const id = await bench.insert(createEidCard({ persona: 'cecilia' }));
    await using station = await TestStation.open(bench);
    const answer = call(id, { ...ON_EID[method], pin: undefined });
    station.answer((await station.prompt()).id, 'failed');
    return await answer;
  },
};

/** Of sign.cms and sign.addSigner. */
const SIGNING_PROVOCATIONS: Readonly<Partial<Record<ErrorCode, Provocation>>> = {
  algorithm_not_allowed: onCard(
    {},
    { keys: { '9A': cardKey('RSA-1024', { certificate: certificateFor(testKey('RSA-1024').publicKey) }) } },
  ),
  algorithm_unsupported: onCard({ algorithm: 'RS256' }),
  certificate_invalid: onCard({ certificates: ['none'] }),
  content_not_found: onCard({ content: { upload: 'none' } }),
  key_not_found: onCard({ keyReference: '9D' }),
  object_not_found: onCard({}, { keys: { '9A': cardKey('P-256') } }),
  public_key_mismatch: onCard(
    {},
    { keys: { '9A': cardKey('P-256', { certificate: certificateFor(testKey('P-256', 'other').publicKey) }) } },
  ),
  time_stamp_unavailable: onCard({ timeStamp: true }),
};

/** Of sign.addSigner alone. */
const CMS_PROVOCATIONS: Readonly<Partial<Record<ErrorCode, Provocation>>> = {
  cms_invalid: onCard({ cms: { data: EXAMPLE_CONTENT } }),
  signature_invalid: onCard({ content: { data: 'AAAA' } }),
};

/** PDFs that are refused, by the error. */
const BAD_PDFS: Readonly<Partial<Record<ErrorCode, Uint8Array>>> = {
  pdf_encrypted: writePdf(ONE_PAGE, '/Encrypt << >>'),
  pdf_excessive: endlessPdf(),
  pdf_invalid: Buffer.from('Hello'),
};
const onPage = (changes: object): Provocation =>
  onCard({ visible: { page: 1, rectangle: { x: 0, y: 0, width: 200, height: 50 }, ...changes } });

/** Of sign.pdf alone. */
const PDF_PROVOCATIONS: Readonly<Partial<Record<ErrorCode, Provocation>>> = {
  ...Object.fromEntries(Object.entries(BAD_PDFS).map(([code, pdf]) => [code, onCard({ pdf: { data: base64(pdf) } })])),
  card_refused: onEveryExchange('6F00', 'card_refused'),
  content_not_found: onCard({ pdf: { upload: 'none' } }),
  pdf_changes_forbidden: onCard({ pdf: { data: base64(certifiedPdf(1)) } }),
  pdf_field_unusable: onCard({ field: 'a.b' }),
  pdf_page_missing: onPage({ page: 2 }),
  pdf_rectangle_invalid: onPage({ rectangle: { x: 500, y: 0, width: 200, height: 50 } }),
  pdf_text_unsupported: onPage({ text: ['Łukasz'] }),
  picture_invalid: onPage({ picture: { data: EXAMPLE_CONTENT } }),
};

/** Those that want something else, or are of one method alone. */
const PROVOCATIONS: Readonly<Partial<Record<MethodName, Readonly<Partial<Record<ErrorCode, Provocation>>>>>> = {
  ...PAD_PROVOCATIONS,
  'card.lease': {
    card_unresponsive: async ({ bench, call }) => {
      bench.reader().insert(createMuteCard());
      await eventually('seeing the card', () => bench.daemon.desk.readers[0]?.status === 'mute');
      return await call({ reader: bench.readerId() });
    },
  },
  'access.approve': { not_found: async ({ call }) => await call(undefined, { code: 'NOBODY' }) },
  'access.deny': { not_found: async ({ call }) => await call(undefined, { code: 'NOBODY' }) },
  'access.revoke': { not_found: async ({ call }) => await call(undefined, { origin: 'https://nobody.example' }) },
  'certificate.delete': {
    ...PIN_PROVOCATIONS_ON_EID,
    management_key_rejected: onCard({ managementKey: WRONG_MANAGEMENT_KEY }),
    management_key_required: onCard({ managementKey: undefined }),
    object_not_found: onCard({ keyReference: '9C' }),
  },
  // What is remembered of the card is asked for first; a fault there only makes the daemon read anew.
  'certificate.list': {
    card_data_invalid: withFault({ kind: 'truncate', at: 1, lengthBytes: 1 }, { kind: 'truncate', at: 2, lengthBytes: 1 }),
    card_refused: withFault({ kind: 'statusWord', at: 1, statusWord: '6F00' }, { kind: 'statusWord', at: 4, statusWord: '6F00' }),
  },
  'certificate.request': {
    algorithm_unsupported: onCard({ algorithm: 'RS256' }),
    key_not_found: onCard({ keyReference: '9D' }),
    public_key_mismatch: onCard({
      publicKey: testKey('P-256', 'other').publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    }),
  },
  'certificate.write': {
    card_full: onCard({}, { capacityBytes: 100 }),
    certificate_invalid: onCard({ certificate: 'none' }),
    certificate_key_mismatch: onCard({ certificate: certificateFor(testKey('P-384').publicKey) }),
    key_unproven: onCard({}, { profile: 'plain' }),
    management_key_rejected: onCard({ managementKey: WRONG_MANAGEMENT_KEY }),
    management_key_required: onCard({ managementKey: undefined }),
    object_not_found: onEveryExchange('6A88', 'object_not_found', { pin: PIN }, { profile: 'plain' }),
    pin_blocked: onCard({ pin: WRONG_PIN, allowLastTry: true }, { profile: 'plain', pinAttempts: 1 }),
    pin_cancelled: onKeypad('cancel', { profile: 'plain' }),
    pin_format_invalid: onCard({ managementKey: '00' }),
    pin_last_try: onCard({ pin: WRONG_PIN }, { profile: 'plain', pinAttempts: 1 }),
    pin_rejected: onCard({ pin: WRONG_PIN }, { profile: 'plain' }),
    pin_required: onEveryExchange('6982', 'pin_required'),
    prompt_failed: onStation('failed', { profile: 'plain' }),
  },
  'key.delete': {
    management_key_rejected: onCard({ managementKey: WRONG_MANAGEMENT_KEY }),
    management_key_required: onCard({ managementKey: undefined }),
    object_not_found: onCard({ keyReference: '9C' }),
    pin_format_invalid: onCard({ managementKey: '00' }),
    pin_required: onEveryExchange('6982', 'pin_required'),
  },
  'key.generate': {
    ...PIN_PROVOCATIONS_ON_EID,
    algorithm_unsupported: onCard({ algorithm: 'RSA-4096' }, { firmware: '5.4.3' }),
    management_key_rejected: onCard({ managementKey: WRONG_MANAGEMENT_KEY }),
    management_key_required: onCard({ managementKey: undefined }),
    object_not_found: onEid({ pinReference: '7F' }),
  },
  'login.authenticate': {
    key_not_found: async ({ bench, api, call }) => {
      const id = await bench.insert(makeCard());
      resultOf(await api.call('key.delete', { card: id, keyReference: '9A', managementKey }));
      return await call(id);
    },
    object_not_found: onCard({}, { keys: {} }),
    public_key_mismatch: onCard(
      {},
      { keys: { '9A': cardKey('P-256', { certificate: certificateFor(testKey('P-256', 'other').publicKey) }) } },
    ),
  },
  'passport.read': PASSPORT_PROVOCATIONS,
  'pin.change': { object_not_found: onCard({ pinReference: 'FF' }) },
  'pin.unblock': {
    object_not_found: onCard({ pinReference: 'FF' }),
    pin_blocked: onCard({ puk: WRONG_PUK, allowLastTry: true }, { pukAttempts: 1 }),
    pin_format_invalid: onCard({ puk: '1' }),
    pin_last_try: onCard({}, { pukAttempts: 1 }),
    pin_rejected: onCard({ puk: WRONG_PUK }),
    pin_required: onCard({ puk: undefined }),
  },
  'pin.verify': { object_not_found: onCard({ pinReference: 'FF' }) },
  ...DOCUMENT_PROVOCATIONS,
  'reader.assignRole': {
    not_found: async ({ call }) => await call(undefined, { role: 'operator', reader: 'reader-of-nobody' }),
    reader_ambiguous: async ({ bench, call }) => await call(undefined, { role: 'operator', reader: bench.readerId(2) }),
    reader_has_role: async ({ bench, api, call }) => {
      resultOf(await api.call('reader.assignRole', { role: 'holder', reader: bench.readerId() }));
      return await call(undefined, { role: 'operator', reader: bench.readerId() });
    },
    reader_unavailable: async ({ bench, call }) => {
      bench.source.stopService();
      await eventually('the reader to be away', () => bench.daemon.desk.readers[0]?.status === 'unavailable');
      return await call(undefined, { role: 'operator', reader: bench.readerId() });
    },
    role_by_policy: async ({ bench, call }) => {
      await bench.setPolicy({ roles: TWO_PERSONS });
      return await call(undefined, { role: 'operator' });
    },
  },
  'reader.removeRole': {
    not_found: async ({ call }) => await call(undefined, { role: 'nobody' }),
    role_by_policy: async ({ bench, call }) => {
      await bench.setPolicy({ roles: TWO_PERSONS });
      return await call(undefined, { role: 'operator' });
    },
  },
  'sign.addSigner': { ...SIGNING_PROVOCATIONS, ...CMS_PROVOCATIONS },
  'sign.cms': SIGNING_PROVOCATIONS,
  'sign.pdf': { ...SIGNING_PROVOCATIONS, ...PDF_PROVOCATIONS },
  'signature.verify': {
    ...Object.fromEntries(
      Object.entries(BAD_PDFS).map(([code, pdf]): [string, Provocation] => [
        code,
        async ({ call }) => await call(undefined, { cms: undefined, content: undefined, pdf: { data: base64(pdf) } }),
      ]),
    ),
    certificate_invalid: async ({ call }) => await call(undefined, { trustAnchors: ['none'] }),
    cms_invalid: async ({ call }) => await call(undefined, { cms: { data: EXAMPLE_CONTENT } }),
    content_not_found: async ({ call }) => await call(undefined, { cms: { upload: 'none' } }),
  },
  'sign.batch': {
    algorithm_unsupported: onCard({ algorithm: 'RS256' }),
    key_not_found: onCard({ keyReference: '9D' }),
    pin_each_time: async ({ bench, call }) => {
      const id = await bench.insert(makeCard({ keys: { '9C': cardKey('P-256') } }), 1);
      const documents = [
        { name: 'One', digest },
        { name: 'Two', digest },
      ];
      return await call(id, { keyReference: '9C', documents, pin: undefined });
    },
  },
  'sign.digest': {
    algorithm_unsupported: onCard({ algorithm: 'RS256' }),
    key_not_found: onCard({ keyReference: '9D' }),
  },
  'simulation.insertCard': {
    not_found: async ({ bench, call }) => await call(undefined, { reader: bench.readerId(), card: 'nobody' }),
  },
  'simulation.removeCard': { not_found: async ({ call }) => await call(undefined, { reader: 'reader-of-nobody' }) },
  ...TRACE_PROVOCATIONS,
  'version.select': { version_unsupported: async ({ call }) => await call(undefined, { apiVersion: 99 }) },
};

/** The PIN errors, for methods that take a PIN. */
const PIN_PROVOCATIONS: Readonly<Partial<Record<ErrorCode, Provocation>>> = {
  pin_blocked: onCard({ pin: WRONG_PIN, allowLastTry: true }, { pinAttempts: 1 }),
  pin_cancelled: onKeypad('cancel'),
  pin_format_invalid: onCard({ pin: '1' }),
  pin_last_try: onCard({}, { pinAttempts: 1 }),
  pin_rejected: onCard({ pin: WRONG_PIN }),
  pin_required: onCard({ pin: undefined }),
  prompt_failed: onStation('failed'),
};

/** A place where the person can be asked is open, and answers this to the call without PIN and PUK. */
function onStation(outcome: 'failed', options: Parameters<typeof watchedPivCard>[0] = {}): Provocation {
  return async ({ bench, call }) => {
    const id = await bench.insert(makeCard(options));
    await using station = await TestStation.open(bench);
    const answer = call(id, { pin: undefined, newPin: undefined, puk: undefined });
    station.answer((await station.prompt()).id, outcome);
    return await answer;
  };
}

const NO_CARD_IS_TOUCHED = 'a lease is given by the desk alone; the card is not asked';
const RAW = 'raw commands: whatever the card answers is the result';
const NO_ALGORITHM = 'nothing is said about an algorithm in this call';

const BY_A_PAGE = 'test/access/web-origin.test.ts: only a web origin gets it';

/** What cannot be provoked on simulated parts, and why; or where it is. */
export const NOT_PROVOKED: Readonly<Record<string, string>> = {
  ...ISSUANCE_NOT_PROVOKED,
  ...STEPS_NOT_PROVOKED,
  ...PADS_NOT_PROVOKED,
  'access.request access_denied': BY_A_PAGE,
  'access.request access_silenced': BY_A_PAGE,
  'access.request scope_not_for_web': BY_A_PAGE,
  'access.revoke policy_grant': 'daemon/access/access.test.ts: it takes a policy file',
  ...Object.fromEntries(
    ['sign.addSigner', 'sign.cms'].flatMap((method) => [
      [`${method} contents_full`, 'test/signing/contents.test.ts: it takes as much as the store holds'],
      [`${method} key_not_for_web`, 'test/signing/pages.test.ts: only a web origin gets it'],
      [`${method} time_stamp_failed`, 'test/signing/time-stamp.test.ts: it takes a server'],
    ]),
  ),
  ...Object.fromEntries(
    ['simulation.insertCard', 'simulation.list', 'simulation.removeCard', 'simulation.usePad'].map((method) => [
      `${method} not_simulated`,
      'test/api/simulation.test.ts: it takes a daemon that is told its desk is real',
    ]),
  ),
  'sign.batch key_not_for_web': BY_A_PAGE,
  'sign.batch public_key_unknown': 'test/api/batch.test.ts: it takes a card that tells less than any simulated one',
  'sign.digest key_not_for_web': BY_A_PAGE,
  'trace.start not_simulated': 'test/trace/recording.test.ts: it takes a daemon that is told its desk is real',
  'sign.pdf contents_full': 'test/signing/contents.test.ts: it takes as much as the store holds',
  'sign.pdf key_not_for_web': 'test/signing/pdf-api.test.ts: only a web origin gets it',
  'sign.pdf time_stamp_failed': 'test/signing/time-stamp.test.ts: it takes a server',
  ...Object.fromEntries(
    [
      'certificate.delete',
      'certificate.request',
      'certificate.write',
      'key.delete',
      'key.generate',
      'login.authenticate',
      'pin.change',
      'pin.unblock',
      'pin.verify',
      'sign.addSigner',
      'sign.cms',
      'sign.batch',
      'sign.digest',
      'sign.pdf',
    ].map((method) => [`${method} pin_limit_reached`, 'test/prompts/prompts.test.ts: only pages are counted']),
  ),
  ...Object.fromEntries(
    [
      'card_data_invalid',
      'card_refused',
      'card_removed',
      'card_reset',
      'card_unsupported',
      'reader_failed',
      'service_unavailable',
    ].map((code) => [`card.lease ${code}`, NO_CARD_IS_TOUCHED]),
  ),
  'card.transmit card_refused': RAW,
  'card.transmit card_unsupported': RAW,
  'key.delete algorithm_unsupported': NO_ALGORITHM,
  ...Object.fromEntries(
    ['pin_blocked', 'pin_cancelled', 'pin_last_try', 'pin_rejected', 'prompt_failed'].map((code) => [
      `key.delete ${code}`,
      'no simulated card deletes a key by a PIN',
    ]),
  ),
};

/** Answers each exchange in turn with a status word, until the code comes. */
function onEveryExchange(
  statusWord: string,
  wanted: ErrorCode,
  changes: object = {},
  options: Parameters<typeof watchedPivCard>[0] = {},
): Provocation {
  return async ({ bench, call }) => {
    for (let at = 1; at < 20; at++) {
      const id = await bench.insert(makeCard(options));
      bench.reader().arm([{ kind: 'statusWord', at, statusWord }]);
      const outcome = await call(id, changes);
      bench.reader().disarm();
      if (outcome === wanted) return outcome;
    }
    return 'ok';
  };
}

/** Without any PIN in the call. The bench's second reader has the keypad. */
function onKeypad(typed: string, options: Parameters<typeof watchedPivCard>[0] = {}): Provocation {
  return async ({ bench, call }) => {
    keypad.types = typed;
    return await call(await bench.insert(makeCard(options), 1), { pin: undefined, newPin: undefined, puk: undefined });
  };
}
/** Parameters with which the method succeeds on this bench, but for the card. */
export function goodParams(bench: Bench, method: MethodName): object | undefined {
  if (isDocumentMethod(method)) return GOOD_DOCUMENT[method];
  if (isStepMethod(method)) return goodStepParams(bench, method);
  return isIssuanceMethod(method) ? goodIssuanceParams(bench, method) : GOOD[method];
}

export async function provoke(method: MethodName, code: ErrorCode): Promise<'ok' | ErrorCode> {
  keypad.types = PIN;
  await using bench = await openBench({
    readers: [{ muteTimeoutMs: 10, ...FIRST }, { keypad: () => keypad.types, serialNumber: 'BENCH-SECOND' }, {}],
    ...(method.startsWith('issuance.') ? OFFICE_RULES : {}),
    // A reload would have left what was right before.
    ...(code === 'role_policy_refused' ? { policy: { roles: { holder: { reader: {} } } } } : {}),
  });
  const good = { ...goodParams(bench, method), ...(await goodTransfer(bench, method)), ...(await goodVerdict(bench, method)) };
  const [api, holder] = [await bench.socket(), await bench.socket()];
  const provocation =
    stepProvocation(method, code) ??
    issuanceProvocation(method, code) ??
    SCANNER_PROVOCATIONS[method]?.[code] ??
    PROVOCATIONS[method]?.[code] ??
    CARD_PROVOCATIONS[code] ??
    PIN_PROVOCATIONS[code];
  if (!provocation) throw new Error(`no way is known to provoke ${code} of ${method}`);
  const call: Stage['call'] = async (card, changes = {}) => {
    const outcome = outcomeOf(await api.call(method, { ...good, ...(card === undefined ? {} : { card }), ...changes }));
    provoked.add(`${method} ${outcome}`);
    return outcome;
  };
  const outcome = await provocation({ bench, api: holder, method, call });
  bench.reader().disarm();
  return outcome;
}

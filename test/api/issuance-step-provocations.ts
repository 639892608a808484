/** How the errors of issuance's steps about PINs, pictures and certificates to be removed are provoked. The card is always Cecilia's e-ID card, or one that is not. */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { encode } from '@cantoo/pdf-lib/upng';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import type { CeremonyEntry } from '../../daemon/issuance/entry.ts';
import { ISSUANCE_JOURNAL_FILE } from '../../daemon/issuance/open-issuance.ts';
import { createEidCard, type EidCardDescription } from '../../drivers/simulated/cards/eid.ts';
import { describePersona } from '../../drivers/simulated/cards/eid/personas.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { heldCard } from '../issuance/cards.ts';
import { TestStation } from '../prompts/station.ts';
import { failDisk, inDays, writeCeremony, type WrittenCeremony } from './issuance-ceremonies.ts';
import { keypad, makeCard, withFault, type Provocation, type ProvocationsOf } from './provocation.ts';
import { PIN, PUK, WRONG_PIN, WRONG_PUK, WatchedCard, eventually, resultOf, type Bench } from './support.ts';

export type StepMethod = 'issuance.attach' | 'issuance.removeCertificates' | 'issuance.unblockPin' | 'issuance.verifyPin';
type PinMethod = 'issuance.unblockPin' | 'issuance.verifyPin';

const CARD_NUMBER = '9752000000000000037';
const OTHER_NUMBER = '9752000000000000045';
const PERSON = { name: 'Cecilia Öberg', hsaId: 'SE2321000016-BENCH3', cardNumber: CARD_NUMBER };
const PNG = Buffer.from(encode([new Uint8Array(16).fill(90).buffer], 2, 2, 0)).toString('base64');

const read: CeremonyEntry = { type: 'step.read', step: 'card', person: PERSON };
const recorded = (step: string): CeremonyEntry => ({ type: 'step.recorded', step, fields: {} });
const verified: CeremonyEntry = {
  ...{ type: 'step.pinVerified', step: 'pin', person: PERSON },
  ...{ challenge: 'AA==', algorithm: 'RS256', signature: 'AA==' },
};

/** The ceremony in which each is next. */
const CEREMONIES: Readonly<Record<StepMethod, WrittenCeremony>> = {
  'issuance.attach': { routine: 'kiosk', entries: [read, verified, recorded('consent')] },
  'issuance.removeCertificates': { routine: 'additional-certificate-removed', entries: [read, recorded('order')] },
  'issuance.unblockPin': { routine: 'puk-used', entries: [read, recorded('document')] },
  'issuance.verifyPin': { routine: 'kiosk', entries: [read] },
};

const PARAMS: Readonly<Record<StepMethod, object>> = {
  'issuance.attach': { step: 'picture', picture: { data: PNG } },
  'issuance.removeCertificates': { step: 'removed', fingerprints: [fingerprint()], removesFirst: true },
  'issuance.unblockPin': { step: 'unblocked', puk: PUK, newPin: PIN },
  'issuance.verifyPin': { step: 'pin', pin: PIN },
};

function fingerprint(): string {
  const der = describePersona({ persona: 'cecilia' }).keys?.legitimering?.certificate ?? '';
  return new X509Certificate(Buffer.from(der, 'base64')).fingerprint256.replaceAll(':', '');
}

export function isStepMethod(method: MethodName): method is StepMethod {
  return method in CEREMONIES;
}

export function goodStepParams(bench: Bench, method: StepMethod): object {
  return { ...PARAMS[method], ceremony: writeCeremony(bench, CEREMONIES[method]) };
}

/** Undefined for the one that uses none. */
export function goodStepCard(method: MethodName): SimulatedCard | undefined {
  return method === 'issuance.attach' ? undefined : eid();
}

function eid(options: EidCardDescription = {}): SimulatedCard {
  return createEidCard({ persona: 'cecilia', pins: { legitimering: PIN, puk: PUK }, ...options });
}

const on =
  (make: () => SimulatedCard, changes: object = {}, reader = 0): Provocation =>
  async ({ bench, call }) =>
    await call(await bench.insert(make(), reader), changes);

/** With the good card, where it takes one. */
const onGood =
  (changes: (bench: Bench) => object): Provocation =>
  async ({ bench, method, call }) => {
    const card = goodStepCard(method);
    return await call(card && (await bench.insert(card)), changes(bench));
  };

/** Nothing that the call is given: a person types it. */
const NOTHING = { pin: undefined, puk: undefined, newPin: undefined };

/** `wrong`: what is wrong with the secret that is at stake. */
function pinProvocations(name: 'pin' | 'puk', wrong: string): ProvocationsOf<ErrorCode> {
  const oneTry = { pinAttempts: { [name === 'pin' ? 'legitimering' : 'puk']: 1 } };
  return {
    pin_blocked: on(() => eid(oneTry), { [name]: wrong, allowLastTry: true }),
    pin_cancelled: async (stage) => {
      keypad.types = 'cancel';
      return await on(eid, NOTHING, 1)(stage);
    },
    pin_format_invalid: on(eid, { [name]: '1' }),
    pin_last_try: on(() => eid(oneTry)),
    pin_rejected: on(eid, { [name]: wrong }),
    pin_required: on(eid, { [name]: undefined }),
    prompt_failed: async ({ bench, call }) => {
      const id = await bench.insert(eid());
      await using station = await TestStation.open(bench);
      const answer = call(id, NOTHING);
      station.answer((await station.prompt()).id, 'failed');
      return await answer;
    },
  };
}

/** Another call waits for its card. */
const busy: Provocation = async ({ bench, api, method, call }) => {
  const card = new WatchedCard(eid());
  const id = await bench.insert(card);
  const ceremony = writeCeremony(bench, CEREMONIES['issuance.verifyPin']);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  card.hold = promise;
  const first = api.call('issuance.verifyPin', { ...PARAMS['issuance.verifyPin'], ceremony, card: id, step: 'pin' });
  await eventually('the first call to run', () => bench.daemon.desk.readers[0]?.queue.length === 1);
  const outcome = await call(method === 'issuance.attach' ? undefined : id, { ceremony });
  resolve(undefined);
  resultOf(await first);
  return outcome;
};

const samePerson: Provocation = async ({ bench, call }) => {
  const holder = { reader: { serialNumber: 'BENCH-FIRST' }, notSamePersonAs: ['operator'] };
  await bench.setPolicy({ roles: { operator: { reader: { serialNumber: 'BENCH-SECOND' } }, holder } });
  for (const index of [0, 1]) await bench.insert(eid({ cardNumber: index === 0 ? CARD_NUMBER : OTHER_NUMBER }), index);
  return await call({ role: 'holder' });
};

const STEP_PROVOCATIONS: ProvocationsOf<ErrorCode> = {
  card_other: on(() => createEidCard({ ...heldCard({ cardNumber: OTHER_NUMBER }), pins: { legitimering: PIN, puk: PUK } })),
  ceremony_away: onGood((bench) => ({
    ceremony: writeCeremony(bench, { routine: 'kiosk', entries: [{ type: 'ceremony.exported' }] }),
  })),
  ceremony_busy: busy,
  ceremony_closed: onGood((bench) => ({
    ceremony: writeCeremony(bench, { routine: 'kiosk', entries: [{ type: 'ceremony.cancelled', reason: 'nobody came' }] }),
  })),
  ceremony_step_order: onGood((bench) => ({ ceremony: writeCeremony(bench, { routine: 'renewal' }) })),
  ceremony_unknown: onGood(() => ({ ceremony: 'ceremony-of-nobody' })),
  clock_set_back: async (stage) => {
    const written = isStepMethod(stage.method) ? CEREMONIES[stage.method] : {};
    return await onGood((bench) => ({ ceremony: writeCeremony(bench, { ...written, time: inDays(1) }) }))(stage);
  },
  journal_unavailable: onGood((bench) => {
    failDisk(bench);
    return {};
  }),
  participant_refused: on(() => createEidCard({ persona: 'bjorn', pins: { legitimering: PIN, puk: PUK } })),
  same_person: samePerson,
};

/** What is remembered of the card is asked for first; a fault there only makes the daemon read anew. */
const READING: ProvocationsOf<ErrorCode> = {
  card_data_invalid: withFault({ kind: 'truncate', at: 1, lengthBytes: 1 }, { kind: 'truncate', at: 2, lengthBytes: 1 }),
  card_refused: withFault({ kind: 'statusWord', at: 1, statusWord: '6F00' }, { kind: 'statusWord', at: 4, statusWord: '6F00' }),
};

/** Answers each exchange in turn with a status word, in a new ceremony each time, until the code comes. */
function onEveryExchange(statusWord: string, wanted: ErrorCode): Provocation {
  return async ({ bench, method, call }) => {
    for (let at = 1; at < 60 && isStepMethod(method); at++) {
      const id = await bench.insert(eid());
      const params = goodStepParams(bench, method);
      bench.reader().arm([{ kind: 'statusWord', at, statusWord }]);
      const outcome = await call(id, params);
      bench.reader().disarm();
      if (outcome === wanted) return outcome;
    }
    return 'ok';
  };
}

/** Without one of its keys, or with another than that of the certificate. */
function withKeys(change: 'missing' | 'other'): () => SimulatedCard {
  const { legitimering, underskrift } = describePersona({ persona: 'cecilia' }).keys ?? {};
  if (!legitimering || !underskrift) throw new Error('Cecilia has two keys');
  const other = { ...legitimering, privateKey: underskrift.privateKey };
  return () => eid({ keys: change === 'missing' ? { underskrift } : { legitimering: other, underskrift } });
}

const METHOD_PROVOCATIONS: Readonly<Record<StepMethod, ProvocationsOf<ErrorCode>>> = {
  'issuance.attach': {
    content_not_found: onGood(() => ({ picture: { upload: 'none' } })),
    picture_invalid: onGood(() => ({ picture: { data: 'AAAA' } })),
    pictures_unavailable: async ({ bench, call }) => {
      await bench.setPolicy({ issuance: { pictureFolder: join(bench.dataFolder, ISSUANCE_JOURNAL_FILE) } });
      return await call(undefined);
    },
  },
  'issuance.removeCertificates': {
    ...READING,
    card_not_for_issuance: on(() => makeCard({ profile: 'plain', objects: { '5FC102': '' } })),
    first_certificates_stay: onGood(() => ({ removesFirst: undefined })),
    object_not_found: onGood(() => ({ fingerprints: ['A'.repeat(64)] })),
  },
  'issuance.unblockPin': {
    ...READING,
    ...pinProvocations('puk', WRONG_PUK),
    card_refused: onEveryExchange('6F00', 'card_refused'),
    object_not_found: onGood(() => ({ pinReference: 'FF' })),
  },
  'issuance.verifyPin': {
    ...READING,
    ...pinProvocations('pin', WRONG_PIN),
    card_refused: onEveryExchange('6F00', 'card_refused'),
    algorithm_unsupported: onEveryExchange('6A80', 'algorithm_unsupported'),
    key_not_found: on(withKeys('missing')),
    object_not_found: onEveryExchange('6A88', 'object_not_found'),
    public_key_mismatch: on(withKeys('other')),
  },
};

/** Undefined: as with any other method. */
export function stepProvocation(method: MethodName, code: ErrorCode): Provocation | undefined {
  return isStepMethod(method) ? (METHOD_PROVOCATIONS[method][code] ?? STEP_PROVOCATIONS[code]) : undefined;
}

const PIN_METHODS: readonly PinMethod[] = ['issuance.unblockPin', 'issuance.verifyPin'];

/** What simulated parts cannot provoke, and why. */
export const STEPS_NOT_PROVOKED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.keys(CEREMONIES).map((method) => [
      `${method} ceremony_late`,
      'no routine that comes with kortd gives such a step a time after which something is undone',
    ]),
  ),
  ...Object.fromEntries(
    PIN_METHODS.map((method) => [`${method} pin_limit_reached`, 'test/prompts/prompts.test.ts: only pages are counted']),
  ),
};

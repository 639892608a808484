/** Keys that programs make: where on the card they come, who may make them, and what is left when it goes wrong. */
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../drivers/simulated/faults.ts';
import {
  cardKey,
  certificateFor,
  eventually,
  INS,
  PIN,
  PUK,
  resultOf,
  stateOf,
  testKey,
  WRONG_MANAGEMENT_KEY,
} from '../api/support.ts';
import { heldCard, startRoutine } from '../issuance/cards.ts';
import { openOffice, PINS } from '../issuance/office.ts';
import {
  actsOf,
  bytes,
  CURVE,
  EID_PINS,
  expectSigns,
  FACTORY_KEY,
  generate,
  generateBy,
  idAt,
  openBlankDesk,
  openEidDesk,
  publicKeyAt,
  READ_WRITE,
  type KeyWish,
} from './changes.ts';
import { ck, expectValue, Program, SERIAL, valueOf } from './program.ts';
import type { Template } from './rpc-client.ts';

async function loggedIn(program: Program, slot?: number, pin = PIN): Promise<number> {
  const session = await program.session(slot, READ_WRITE);
  await program.login(session, pin);
  return session;
}

const text = (pin: string): Uint8Array => new TextEncoder().encode(pin);

/** Of the reader with this role. */
async function slotOf(program: Program, role: string): Promise<number> {
  for (const slot of await program.slots()) {
    const [description] = await program.client.call('C_GetSlotInfo', slot);
    if (typeof description === 'string' && description.startsWith(`${role}:`)) return slot;
  }
  throw new Error(`there is no ${role}`);
}

describe('the sizes of keys that a PIV card makes', () => {
  it.each([
    ['as the standard has them', { profile: 'plain' }, [2_048, 3_072], [256, 384]],
    ['as YubiKeys have them, whose firmware is not asked', { profile: 'yubikey' }, [2_048, 4_096], [256, 384]],
  ] as const)('are told %s', async (_, card, rsa, curves) => {
    await using desk = await openBlankDesk(card);
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const sizes = async (type: number): Promise<readonly number[]> =>
      (await program.client.call('C_GetMechanismInfo', slot, type)).slice(0, 2).map(Number);
    expect(await sizes(RSA)).toEqual(rsa);
    expect(await sizes(EC)).toEqual(curves);
  });
});

const SIGNING: Template = [[ck.CKA_SIGN, true]];
const DERIVING: Template = [[ck.CKA_DERIVE, true]];
const GUARDED: Template = [
  [ck.CKA_SIGN, true],
  [ck.CKA_ALWAYS_AUTHENTICATE, true],
];

describe('a key', () => {
  it.each([
    ['01', '9a', true],
    ['9a', '9a', true],
    ['04', '9e', true],
    ['05', '82', false],
    ['95', '95', false],
  ])(
    'comes where its CKA_ID %s says, is found by it and by %s, and signs unless it is for agreement',
    async (given, id, signs) => {
      await using desk = await openBlankDesk();
      const program = await desk.program();
      const session = await loggedIn(program);
      const made = await generate(program, session, { kind: 'P-256', id: given });
      expect(await idAt(program, session, made[1])).toBe(id);
      for (const name of [given, id]) expect(await program.key(session, name)).toBe(made[1]);
      if (signs) await expectSigns(program, session, made);
      expect(await actsOf(desk)).toEqual(['pkcs11.generateKey ok']);
    },
  );

  it('without one comes to a free place whose kind fits, and never where no PIN is wanted', async () => {
    await using desk = await openBlankDesk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const made = [];
    for (const flags of [GUARDED, DERIVING, SIGNING]) {
      const [, key] = await generate(program, session, { kind: 'P-256', flags });
      made.push(await idAt(program, session, key));
    }
    expect(made).toEqual(['9c', '9d', '9a']);
    await expectValue(generate(program, session, { kind: 'P-256' }), ck.CKR_DEVICE_MEMORY);
    expect(Object.keys(stateOf(desk.card).keys).sort()).toEqual(['9A', '9C', '9D']);
  });

  it('with a CKA_ID that the program made up comes where it would without one', async () => {
    await using desk = await openBlankDesk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const [, key] = await generate(program, session, { kind: 'RSA-2048', id: 'ab'.repeat(20) });
    expect(await idAt(program, session, key)).toBe('9a');
  });

  it('is there for other programs and web apps at once, and others keep their handles', async () => {
    await using desk = await openBlankDesk({ keys: { '9C': cardKey('P-256', { name: 'held' }) } });
    const [one, other] = [await desk.program(), await desk.program()];
    const session = await other.session();
    const before = await other.key(session, '9c', ck.CKO_PUBLIC_KEY);
    const client = await desk.bench.client();
    const changed = Promise.withResolvers<undefined>();
    await client.subscribe({ onEvent: ({ name }) => name === 'card.changed' && changed.resolve(undefined) });
    const maker = await loggedIn(one);
    const [made] = await generate(one, maker, { kind: 'P-256', id: '01' });
    await changed.promise;
    const seen = await other.key(session, '9a', ck.CKO_PUBLIC_KEY);
    expect((await publicKeyAt(other, session, seen)).equals(await publicKeyAt(one, maker, made))).toBe(true);
    expect(await other.key(session, '9c', ck.CKO_PUBLIC_KEY)).toBe(before);
    const [card] = (await client.call('card.list', {})).cards;
    const { keys } = await client.call('card.read', { card: card?.id ?? '' });
    expect(keys.find(({ keyReference }) => keyReference === '9A')?.algorithm).toBe('P-256');
  });

  it('takes no place that holds a certificate, or a key that could be deleted', async () => {
    const certificate = certificateFor(testKey('P-256', '9A').publicKey);
    await using desk = await openBlankDesk({
      keys: { '9A': cardKey('P-256', { name: '9A', certificate }), '9C': cardKey('P-256') },
    });
    const program = await desk.program();
    const session = await loggedIn(program);
    const before = stateOf(desk.card);
    for (const id of ['01', '02'])
      await expectValue(generate(program, session, { kind: 'P-256', id }), ck.CKR_ATTRIBUTE_VALUE_INVALID);
    expect(stateOf(desk.card)).toEqual(before);
    await program.client.call('C_DestroyObject', session, await program.key(session, '9c'));
    await expectValue(Promise.resolve(program.key(session, '9c').catch(() => undefined)), ck.CKR_OK);
    const made = await generate(program, session, { kind: 'P-384', id: '02' });
    expect((await publicKeyAt(program, session, made[0])).asymmetricKeyDetails?.namedCurve).toBe('secp384r1');
  });
});

describe('on an e-ID card', () => {
  it.each([
    ['anna', 'nidel', 'RSA-2048'],
    ['bjorn', 'myeid', 'P-256'],
    ['cecilia', 'plain', 'P-384'],
  ] as const)(
    '%s (%s) a key comes to the free place of its PIN, signs, and is known at the next insertion',
    async (persona, profile, kind) => {
      await using desk = await openEidDesk({ persona, profile, spareKeys: kind });
      const program = await desk.program();
      const [first = 0, second = 0] = await program.slots();
      const session = await loggedIn(program, first, EID_PINS.legitimering);
      const made = await generate(program, session, { kind });
      expect(await idAt(program, session, made[1])).toBe('55');
      await expectSigns(program, session, made);
      await expectValue(generate(program, session, { kind }), ck.CKR_DEVICE_MEMORY);
      await expectValue(generate(program, session, { kind, id: '56' }), ck.CKR_ATTRIBUTE_VALUE_INVALID);
      await expectValue(generate(program, session, { kind, id: '77' }), ck.CKR_ATTRIBUTE_VALUE_INVALID);
      const other = await loggedIn(program, second, EID_PINS.underskrift);
      const [, signatureKey] = await generate(program, other, { kind, flags: GUARDED });
      expect(await idAt(program, other, signatureKey)).toBe('56');
      const publicKey = await publicKeyAt(program, session, made[0]);
      desk.bench.reader().remove();
      await eventually('the card going', () => desk.bench.daemon.desk.cards.length === 0);
      await desk.bench.insert(desk.card);
      const again = await loggedIn(program, first, EID_PINS.legitimering);
      const seen = [await program.key(again, '55', ck.CKO_PUBLIC_KEY), await program.key(again, '55')] as const;
      expect((await publicKeyAt(program, again, seen[0])).equals(publicKey)).toBe(true);
      await expectSigns(program, again, seen);
    },
  );

  it('a place takes the kind of key that it is for, and the mechanisms say so', async () => {
    await using desk = await openEidDesk({ persona: 'bjorn', profile: 'myeid', spareKeys: 'P-256' });
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const session = await loggedIn(program, slot, EID_PINS.legitimering);
    await expectValue(generate(program, session, { kind: 'P-384', id: '55' }), ck.CKR_KEY_SIZE_RANGE);
    await expectValue(program.client.call('C_GetMechanismInfo', slot, ck.CKM_RSA_PKCS_KEY_PAIR_GEN), ck.CKR_MECHANISM_INVALID);
    const [min, max, flags] = await program.client.call('C_GetMechanismInfo', slot, ck.CKM_EC_KEY_PAIR_GEN);
    expect([min, max, Number(flags) & ck.CKF_GENERATE_KEY_PAIR]).toEqual([256, 256, ck.CKF_GENERATE_KEY_PAIR]);
  });
});

const RSA = ck.CKM_RSA_PKCS_KEY_PAIR_GEN;
const EC = ck.CKM_EC_KEY_PAIR_GEN;
const BITS: Template = [[ck.CKA_MODULUS_BITS, 2_048]];
const P256: Template = [[ck.CKA_EC_PARAMS, bytes(CURVE['P-256'])]];
const KEPT: Template = [[ck.CKA_TOKEN, true]];

describe('templates that are refused, and the card with them:', () => {
  it.each<readonly [string, number, Template, Template, number]>([
    ['another mechanism', ck.CKM_ECDSA, P256, KEPT, ck.CKR_MECHANISM_INVALID],
    ['no size', RSA, [], KEPT, ck.CKR_TEMPLATE_INCOMPLETE],
    ['no curve', EC, [], KEPT, ck.CKR_TEMPLATE_INCOMPLETE],
    ['a size that no card makes', RSA, [[ck.CKA_MODULUS_BITS, 1_024]], KEPT, ck.CKR_KEY_SIZE_RANGE],
    ['a size that is no number', RSA, [[ck.CKA_PUBLIC_EXPONENT, bytes('03')], ...BITS], KEPT, ck.CKR_ATTRIBUTE_VALUE_INVALID],
    ['another curve', EC, [[ck.CKA_EC_PARAMS, bytes('06052b81040023')]], KEPT, ck.CKR_CURVE_NOT_SUPPORTED],
    ['a key of a session', EC, P256, [[ck.CKA_TOKEN, false]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['a key that says nothing of the token', EC, P256, [], ck.CKR_TEMPLATE_INCONSISTENT],
    ['a key that can be read', EC, P256, [...KEPT, [ck.CKA_EXTRACTABLE, true]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['another type', EC, [...P256, [ck.CKA_KEY_TYPE, ck.CKK_RSA]], KEPT, ck.CKR_TEMPLATE_INCONSISTENT],
    ['another class', EC, P256, [...KEPT, [ck.CKA_CLASS, ck.CKO_PUBLIC_KEY]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['two IDs', EC, [...P256, [ck.CKA_ID, bytes('01')]], [...KEPT, [ck.CKA_ID, bytes('02')]], ck.CKR_TEMPLATE_INCONSISTENT],
    [
      'one attribute twice',
      EC,
      P256,
      [...KEPT, [ck.CKA_ID, bytes('01')], [ck.CKA_ID, bytes('02')]],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    ['a place that there is not', EC, P256, [...KEPT, [ck.CKA_ID, bytes('77')]], ck.CKR_ATTRIBUTE_VALUE_INVALID],
    ['a value of its own', EC, P256, [...KEPT, [ck.CKA_VALUE, bytes('01')]], ck.CKR_ATTRIBUTE_TYPE_INVALID],
    ['an unknown attribute', EC, P256, [...KEPT, [0x8000_0001, bytes('01')]], ck.CKR_ATTRIBUTE_TYPE_INVALID],
    [
      'agreement in a place for signatures',
      EC,
      P256,
      [...KEPT, ...DERIVING, [ck.CKA_ID, bytes('02')]],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    ['a PIN each time where it is not', EC, P256, [...KEPT, ...GUARDED, [ck.CKA_ID, bytes('01')]], ck.CKR_TEMPLATE_INCONSISTENT],
  ])('%s', async (_, type, ofPublic, ofPrivate, value) => {
    await using desk = await openBlankDesk();
    const program = await desk.program();
    const session = await loggedIn(program);
    desk.card.forget();
    await expectValue(generateBy(program, session, { type, ofPublic, ofPrivate }), value);
    expect(desk.card.count(INS.generate)).toBe(0);
  });
});

const WISH: KeyWish = { kind: 'P-256', id: '01' };

describe('the right to make a key', () => {
  it('is a login’s, in a session that writes', async () => {
    await using desk = await openBlankDesk();
    const program = await desk.program();
    const [slot] = await program.slots();
    const reading = await program.session(slot, SERIAL);
    await expectValue(generate(program, reading, WISH), ck.CKR_SESSION_READ_ONLY);
    await program.client.call('C_CloseSession', reading);
    const session = await program.session(slot, READ_WRITE);
    await expectValue(generate(program, session, WISH), ck.CKR_USER_NOT_LOGGED_IN);
    await program.login(session, PUK, ck.CKU_SO);
    await expectValue(generate(program, session, WISH), ck.CKR_USER_NOT_LOGGED_IN);
    expect(desk.card.count(INS.generate)).toBe(0);
  });

  it('is the management key of the card, which the security officer logs in by, once it is not the one of the factory', async () => {
    const own = { algorithm: 'AES-192', key: 'b1'.repeat(24) } as const;
    await using desk = await openBlankDesk({ managementKey: own });
    const program = await desk.program();
    const session = await loggedIn(program);
    await expectValue(generate(program, session, WISH), ck.CKR_USER_NOT_LOGGED_IN);
    await program.client.call('C_Logout', session);
    await expectValue(program.login(session, WRONG_MANAGEMENT_KEY, ck.CKU_SO), ck.CKR_PIN_INCORRECT);
    await expectValue(program.login(session, FACTORY_KEY, ck.CKU_SO), ck.CKR_PIN_INCORRECT);
    await program.login(session, own.key, ck.CKU_SO);
    const [publicKey] = await generate(program, session, WISH);
    expect(await idAt(program, session, publicKey)).toBe('9a');
    await expectValue(program.client.call('C_InitPIN', session, text('864209')), ck.CKR_FUNCTION_REJECTED);
    expect(await actsOf(desk)).toEqual(['pkcs11.generateKey management_key_rejected', 'pkcs11.generateKey ok']);
  });

  it('is taken from all programs by the policy, as token and mechanisms say; reading and signing go on', async () => {
    await using desk = await openBlankDesk({ keys: { '9A': cardKey('P-256') } }, { policy: { pkcs11: { writes: 'denied' } } });
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const session = await loggedIn(program, slot);
    const before = stateOf(desk.card);
    await expectValue(generate(program, session, { ...WISH, id: '02' }), ck.CKR_TOKEN_WRITE_PROTECTED);
    await expectValue(program.client.call('C_SetPIN', session, text(PIN), text('864209')), ck.CKR_TOKEN_WRITE_PROTECTED);
    expect(stateOf(desk.card)).toEqual(before);
    expect((await program.tokenFlags(slot)) & ck.CKF_WRITE_PROTECTED).toBe(ck.CKF_WRITE_PROTECTED);
    await expectValue(program.client.call('C_GetMechanismInfo', slot, ck.CKM_EC_KEY_PAIR_GEN), ck.CKR_MECHANISM_INVALID);
    await expectSigns(program, session, [await program.key(session, '9a', ck.CKO_PUBLIC_KEY), await program.key(session, '9a')]);
    await desk.bench.setPolicy({});
    expect((await program.tokenFlags(slot)) & ck.CKF_WRITE_PROTECTED).toBe(0);
    await generate(program, session, { ...WISH, id: '02' });
  });

  it('is nobody’s while a job of issuance is about the card', async () => {
    const days = 365;
    await using office = await openOffice({ reserve: heldCard({ days, spareKeys: 'P-256' }) });
    const { api } = office;
    const { ceremony } = await startRoutine(office, 'renewal');
    resultOf(await api.call('issuance.readCard', { ceremony, step: 'card' }));
    resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
    await using program = await Program.open(office.bench);
    const slot = await slotOf(program, 'holder');
    const session = await loggedIn(program, slot, PINS.legitimering);
    resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
    const before = structuredClone(office.cards.reserve.inner.state());
    await expectValue(generate(program, session, { kind: 'P-256', id: '55' }), ck.CKR_FUNCTION_REJECTED);
    const change = program.client.call('C_SetPIN', session, text(PINS.legitimering), text('864209'));
    await expectValue(change, ck.CKR_FUNCTION_REJECTED);
    expect(office.cards.reserve.inner.state()).toEqual(before);
    resultOf(await api.call('issuance.cancel', { ceremony, reason: 'the holder went home', pin: PINS.legitimering }));
    await generate(program, session, { kind: 'P-256', id: '55' });
  });
});

describe('a card that goes in the middle of making a key', () => {
  const GONE = [ck.CKR_DEVICE_REMOVED, ck.CKR_OK];
  it.each(['before', 'after'] as const)(
    'is missed, and a key can be made when it is back (%s any of the exchanges)',
    async (phase) => {
      await using desk = await openBlankDesk();
      const program = await desk.program();
      for (let at = 1; ; at++) {
        const session = await loggedIn(program);
        desk.card.forget();
        desk.bench.reader().arm([{ kind: 'pull', at, phase }] satisfies readonly Fault[]);
        const value = await valueOf(generate(program, session, { kind: 'P-256', id: '9c' }));
        desk.bench.reader().disarm();
        expect(GONE, `pulled at exchange ${at}`).toContain(value);
        if (value === ck.CKR_OK) {
          expect(at).toBeGreaterThan(5);
          break;
        }
        await eventually('the card going', () => desk.bench.daemon.desk.cards.length === 0);
        await desk.bench.insert(desk.card);
        // What was made before the card went is there without a certificate, and can be made anew once it is deleted.
        const again = await loggedIn(program);
        const [left] = await program.find(again, [
          [ck.CKA_CLASS, ck.CKO_PRIVATE_KEY],
          [ck.CKA_ID, bytes('9c')],
        ]);
        if (left !== undefined) await program.client.call('C_DestroyObject', again, left);
        await program.client.call('C_CloseAllSessions', (await program.slots())[0] ?? 0);
      }
    },
  );
});

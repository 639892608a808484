/** Certificates that programs write and delete: only those of keys of the card, whole or not at all; and what else programs cannot change. */
import { describe, expect, it } from 'vitest';
import { cardKey, certificateFor, eventually, INS, PIN, stateOf, testKey } from '../api/support.ts';
import { TestStation } from '../prompts/station.ts';
import {
  actsOf,
  bytes,
  EID_PINS,
  generate,
  idAt,
  openBlankDesk,
  openEidDesk,
  publicKeyAt,
  READ_WRITE,
  writeCertificate,
} from './changes.ts';
import { ck, expectValue, SERIAL, valueOf, type Program } from './program.ts';
import type { Template } from './rpc-client.ts';

const OWN = certificateFor(testKey('P-256', '9A').publicKey, { name: 'Own' });
const RENEWED = certificateFor(testKey('P-256', '9A').publicKey, { name: 'Renewed' });
const FOREIGN = certificateFor(testKey('P-256', 'foreign').publicKey, { name: 'Foreign' });
const KEYS = { '9A': cardKey('P-256', { name: '9A' }) };
const der = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const named = (id: string): Template => [[ck.CKA_ID, bytes(id)]];
const destroy = (program: Program, session: number, object: number) => program.client.call('C_DestroyObject', session, object);

async function loggedIn(program: Program, slot?: number, pin = PIN): Promise<number> {
  const session = await program.session(slot, READ_WRITE);
  await program.login(session, pin);
  return session;
}

async function certificates(program: Program, session: number): Promise<readonly string[]> {
  const values = [];
  for (const object of await program.find(session, [[ck.CKA_CLASS, ck.CKO_CERTIFICATE]]))
    values.push(Buffer.from(await program.attribute(session, object, ck.CKA_VALUE)).toString('base64'));
  return values;
}

describe('a certificate', () => {
  it.each([
    ['by the number of OpenSC', named('01')],
    ['by the place’s own name', named('9a')],
    ['by its key alone', []],
    ['by its key, with a CKA_ID that the program made up', named('cd'.repeat(20))],
  ])('comes to its key %s, is there for others, and goes again', async (_, id) => {
    await using desk = await openBlankDesk({ keys: KEYS });
    const [program, other] = [await desk.program(), await desk.program()];
    const session = await loggedIn(program);
    const made = await writeCertificate(program, session, OWN, id);
    expect(await idAt(program, session, made)).toBe('9a');
    expect(await certificates(other, await other.session())).toEqual([OWN]);
    expect(await program.attribute(session, made, ck.CKA_DESTROYABLE)).toEqual(bytes('01'));
    await destroy(program, session, made);
    expect(await certificates(other, await other.session())).toEqual([]);
    await expectValue(destroy(program, session, made), ck.CKR_OBJECT_HANDLE_INVALID);
    expect(await actsOf(desk)).toEqual(['pkcs11.writeCertificate ok', 'pkcs11.deleteCertificate ok']);
  });

  it('of another key is refused, said to be so in the audit log, and the card left alone', async () => {
    await using desk = await openBlankDesk({ keys: { ...KEYS, '9C': cardKey('P-256', { name: '9C' }) } });
    const program = await desk.program();
    const session = await loggedIn(program);
    const before = stateOf(desk.card);
    await expectValue(writeCertificate(program, session, FOREIGN, named('01')), ck.CKR_TEMPLATE_INCONSISTENT);
    await expectValue(writeCertificate(program, session, OWN, named('02')), ck.CKR_TEMPLATE_INCONSISTENT);
    await expectValue(writeCertificate(program, session, FOREIGN), ck.CKR_TEMPLATE_INCONSISTENT);
    expect(stateOf(desk.card)).toEqual(before);
    const mismatch = 'pkcs11.writeCertificate certificate_key_mismatch';
    expect(await actsOf(desk)).toEqual([mismatch, mismatch]);
  });

  it('of a card that does not tell its keys is proven by a signature with the key', async () => {
    await using desk = await openBlankDesk({ profile: 'plain', keys: KEYS });
    const program = await desk.program();
    const session = await loggedIn(program);
    await expectValue(writeCertificate(program, session, FOREIGN, named('01')), ck.CKR_TEMPLATE_INCONSISTENT);
    expect(desk.card.count(INS.putData, 'with data')).toBe(0);
    await writeCertificate(program, session, OWN, named('01'));
    expect(await certificates(program, session)).toEqual([OWN]);
  });

  it('of a retired key is found after the next insertion too', async () => {
    await using desk = await openBlankDesk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const [publicKey] = await generate(program, session, { kind: 'P-256', id: '07' });
    const certificate = certificateFor(await publicKeyAt(program, session, publicKey));
    await writeCertificate(program, session, certificate, named('07'));
    desk.bench.reader().remove();
    await eventually('the card going', () => desk.bench.daemon.desk.cards.length === 0);
    await desk.bench.insert(desk.card);
    const again = await program.session();
    expect(await certificates(program, again)).toEqual([certificate]);
    expect(await idAt(program, again, await program.key(again, '07', ck.CKO_PUBLIC_KEY))).toBe('84');
  });

  it('takes the place of the one before on a PIV card, and stands beside it on an e-ID card', async () => {
    await using piv = await openBlankDesk({ keys: { '9A': cardKey('P-256', { name: '9A', certificate: OWN }) } });
    const program = await piv.program();
    const session = await loggedIn(program);
    await writeCertificate(program, session, RENEWED, named('01'));
    expect(await certificates(program, session)).toEqual([RENEWED]);
    await using eid = await openEidDesk({ persona: 'cecilia', profile: 'plain', spareKeys: 'P-256' });
    const other = await eid.program();
    const writing = await loggedIn(other, undefined, EID_PINS.legitimering);
    const before = await certificates(other, writing);
    const [publicKey] = await generate(other, writing, { kind: 'P-256' });
    const key = await publicKeyAt(other, writing, publicKey);
    const both = ['First', 'Second'].map((name) => certificateFor(key, { name }));
    for (const one of both) await writeCertificate(other, writing, one);
    await writeCertificate(other, writing, both[0] ?? ''); // it is there: nothing is written twice
    expect([...(await certificates(other, writing))].sort()).toEqual([...before, ...both].sort());
    const [second] = await other.find(writing, [[ck.CKA_VALUE, der(both[1] ?? '')]]);
    await destroy(other, writing, second ?? 0);
    expect([...(await certificates(other, writing))].sort()).toEqual([...before, ...both.slice(0, 1)].sort());
  });

  it('that the card has no room for is refused, and the card holds what it held', async () => {
    await using desk = await openBlankDesk({ keys: KEYS });
    const program = await desk.program();
    const session = await loggedIn(program);
    const large = certificateFor(testKey('P-256', '9A').publicKey, { fill: 4_000 });
    await expectValue(writeCertificate(program, session, large, named('01')), ck.CKR_DEVICE_MEMORY);
    expect(await certificates(program, session)).toEqual([]);
    await using eid = await openEidDesk({ persona: 'cecilia', profile: 'plain', spareKeys: 'P-256', capacityBytes: 9_000 });
    const other = await eid.program();
    const writing = await loggedIn(other, undefined, EID_PINS.legitimering);
    const before = await certificates(other, writing);
    const [publicKey] = await generate(other, writing, { kind: 'P-256' });
    const bulky = certificateFor(await publicKeyAt(other, writing, publicKey), { fill: 8_000 });
    await expectValue(writeCertificate(other, writing, bulky), ck.CKR_DEVICE_MEMORY);
    expect(await certificates(other, writing)).toEqual(before);
  });
});

describe('a certificate for signatures on an e-ID card', () => {
  it('wants the other PIN: of a login to the other token, or of a person who is asked', async () => {
    await using desk = await openEidDesk({ persona: 'bjorn', profile: 'myeid', spareKeys: 'P-256' });
    const program = await desk.program();
    const [first = 0, second = 0] = await program.slots();
    const session = await loggedIn(program, second, EID_PINS.underskrift);
    const [publicKey] = await generate(program, session, { kind: 'P-256' });
    const key = await publicKeyAt(program, session, publicKey);
    const certificate = certificateFor(key, { name: 'Signature' });
    await expectValue(writeCertificate(program, session, certificate), ck.CKR_USER_NOT_LOGGED_IN);
    const authentication = await loggedIn(program, first, EID_PINS.legitimering);
    const made = await writeCertificate(program, session, certificate);
    expect(await idAt(program, session, made)).toBe('56');
    await program.client.call('C_CloseSession', authentication);
    await using station = await TestStation.open(desk.bench);
    const going = destroy(program, session, made);
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'pin', action: 'verify' });
    station.type(id, { pin: EID_PINS.legitimering });
    await going;
    expect(await program.find(session, [[ck.CKA_VALUE, der(certificate)]])).toEqual([]);
  });
});

const CLASS: Template = [[ck.CKA_CLASS, ck.CKO_CERTIFICATE]];
const KEPT: Template = [...CLASS, [ck.CKA_TOKEN, true]];
const WHOLE: Template = [...KEPT, [ck.CKA_VALUE, der(OWN)], [ck.CKA_ID, bytes('01')]];
const CKO_DATA = 0;
const CKO_SECRET_KEY = 4;

describe('objects that are refused, and the card with them:', () => {
  it.each<readonly [string, Template, number]>([
    ['one without a class', [[ck.CKA_TOKEN, true]], ck.CKR_TEMPLATE_INCOMPLETE],
    [
      'data',
      [
        [ck.CKA_CLASS, CKO_DATA],
        [ck.CKA_TOKEN, true],
        [ck.CKA_VALUE, bytes('01')],
      ],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    [
      'a private key',
      [
        [ck.CKA_CLASS, ck.CKO_PRIVATE_KEY],
        [ck.CKA_TOKEN, true],
      ],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    [
      'a public key',
      [
        [ck.CKA_CLASS, ck.CKO_PUBLIC_KEY],
        [ck.CKA_TOKEN, true],
      ],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    [
      'a secret key',
      [
        [ck.CKA_CLASS, CKO_SECRET_KEY],
        [ck.CKA_TOKEN, true],
      ],
      ck.CKR_TEMPLATE_INCONSISTENT,
    ],
    ['a certificate of a session', [...CLASS, [ck.CKA_VALUE, der(OWN)]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['a certificate without a value', KEPT, ck.CKR_TEMPLATE_INCOMPLETE],
    ['what is no certificate', [...KEPT, [ck.CKA_VALUE, bytes('3000')]], ck.CKR_ATTRIBUTE_VALUE_INVALID],
    [
      'a certificate with more behind it',
      [...KEPT, [ck.CKA_VALUE, bytes(`${Buffer.from(OWN, 'base64').toString('hex')}00`)]],
      ck.CKR_ATTRIBUTE_VALUE_INVALID,
    ],
    ['another kind of certificate', [...WHOLE, [ck.CKA_CERTIFICATE_TYPE, 2]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['a private certificate', [...WHOLE, [ck.CKA_PRIVATE, true]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['a trusted certificate', [...WHOLE, [ck.CKA_TRUSTED, true]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['another subject', [...WHOLE, [ck.CKA_SUBJECT, bytes('3000')]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['another issuer', [...WHOLE, [ck.CKA_ISSUER, bytes('3000')]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['a place that there is not', [...KEPT, [ck.CKA_VALUE, der(OWN)], [ck.CKA_ID, bytes('77')]], ck.CKR_ATTRIBUTE_VALUE_INVALID],
    ['an attribute of keys', [...WHOLE, [ck.CKA_SIGN, true]], ck.CKR_ATTRIBUTE_TYPE_INVALID],
  ])('%s', async (_, template, value) => {
    await using desk = await openBlankDesk({ keys: KEYS });
    const program = await desk.program();
    const session = await loggedIn(program);
    const before = stateOf(desk.card);
    await expectValue(program.client.call('C_CreateObject', session, template), value);
    expect(stateOf(desk.card)).toEqual(before);
  });
});

describe('what else a program cannot do:', () => {
  it('change without a login, or in a session that reads', async () => {
    await using desk = await openBlankDesk({ keys: KEYS });
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await expectValue(writeCertificate(program, session, OWN), ck.CKR_USER_NOT_LOGGED_IN);
    const reading = await program.session(undefined, SERIAL);
    await program.login(session, PIN);
    await expectValue(writeCertificate(program, reading, OWN), ck.CKR_SESSION_READ_ONLY);
    await expectValue(destroy(program, reading, await program.key(reading, '9a')), ck.CKR_SESSION_READ_ONLY);
  });

  it('copy an object, change an attribute, delete a profile or a public key, or empty the card', async () => {
    await using desk = await openBlankDesk({ keys: KEYS });
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const session = await loggedIn(program, slot);
    const key = await program.key(session, '9a', ck.CKO_PUBLIC_KEY);
    const before = stateOf(desk.card);
    const set = (template: Template) => program.client.call('C_SetAttributeValue', session, key, template);
    await expectValue(program.client.call('C_CopyObject', session, key, []), ck.CKR_ACTION_PROHIBITED);
    await expectValue(program.client.call('C_CopyObject', session, 999, []), ck.CKR_OBJECT_HANDLE_INVALID);
    await expectValue(set([[ck.CKA_LABEL, bytes('41')]]), ck.CKR_ATTRIBUTE_READ_ONLY);
    await expectValue(set([[ck.CKA_VALUE, bytes('41')]]), ck.CKR_ATTRIBUTE_TYPE_INVALID);
    await set([[ck.CKA_ID, bytes('9a')]]);
    const [profile = 0] = await program.find(session, [[ck.CKA_CLASS, ck.CKO_PROFILE]]);
    for (const object of [profile, key]) await expectValue(destroy(program, session, object), ck.CKR_ACTION_PROHIBITED);
    const initialise = (of: number) => program.client.call('C_InitToken2', of, bytes('31'), 'x'.padEnd(32));
    await expectValue(initialise(slot), ck.CKR_FUNCTION_NOT_SUPPORTED);
    await expectValue(initialise(999), ck.CKR_SLOT_ID_INVALID);
    expect(stateOf(desk.card)).toEqual(before);
  });

  it('delete a key of a card that cannot: it says so before', async () => {
    await using desk = await openEidDesk({ persona: 'anna' });
    const program = await desk.program();
    const session = await loggedIn(program, undefined, EID_PINS.legitimering);
    const key = await program.key(session, '45');
    expect(await program.attribute(session, key, ck.CKA_DESTROYABLE)).toEqual(bytes('00'));
    await expectValue(destroy(program, session, key), ck.CKR_ACTION_PROHIBITED);
  });
});

describe('a card that goes while a certificate is written or deleted', () => {
  it.each(['before', 'after'] as const)(
    'is missed, and holds the certificate whole or not at all (%s any of the exchanges)',
    async (phase) => {
      await using desk = await openBlankDesk({ keys: KEYS });
      const program = await desk.program();
      const back = async (): Promise<void> => {
        desk.bench.reader().disarm();
        if (desk.bench.reader().card) return;
        await eventually('the card going', () => desk.bench.daemon.desk.cards.length === 0);
        await desk.bench.insert(desk.card);
      };
      for (let at = 1, done = 0; done < 2; at++) {
        done = 0;
        for (const isWriting of [true, false]) {
          await program.client.call('C_CloseAllSessions', (await program.slots())[0] ?? 0);
          const session = await loggedIn(program);
          const [held] = await program.find(session, [[ck.CKA_CLASS, ck.CKO_CERTIFICATE]]);
          if (!isWriting && held === undefined) continue;
          const work = isWriting
            ? () => writeCertificate(program, session, OWN, named('01'))
            : () => destroy(program, session, held ?? 0);
          desk.bench.reader().arm([{ kind: 'pull', at, phase }]);
          const value = await valueOf(work());
          await back();
          expect([ck.CKR_OK, ck.CKR_DEVICE_REMOVED], `pulled at exchange ${at}`).toContain(value);
          if (value === ck.CKR_OK) done++;
          const seen = await certificates(program, await program.session());
          expect([[], [OWN]]).toContainEqual(seen);
          await program.client.call('C_CloseAllSessions', (await program.slots())[0] ?? 0);
        }
        expect(at).toBeLessThan(60);
      }
    },
  );
});

/** ECDH with a key agreement key of a card: what comes out is what the other side has, and the object that holds it is the session's. */
import { createECDH, createHash, type ECDH } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MAX_SESSION_OBJECTS } from '../../pkcs11-module/application/session-objects.ts';
import { encodeUlong } from '../../pkcs11-module/rpc/attributes.ts';
import type { Dialect } from '../../pkcs11-module/rpc/calls.ts';
import { PIN } from '../api/support.ts';
import { openPkcs11Desk, publicKeyOf } from './desk.ts';
import { ck, expectValue, type Program } from './program.ts';
import type { Template, TestMechanism } from './rpc-client.ts';

/** NIST SP 800-73-5 part 2, section 3.2.4. */
const GENERAL_AUTHENTICATE = 0x87;

interface Deriving {
  readonly program: Program;
  readonly session: number;
  readonly key: number;
}

async function begin(program: Program, reference = '9D'): Promise<Deriving> {
  const session = await program.session();
  await program.login(session, PIN);
  return { program, session, key: await program.key(session, reference) };
}

function makePeer(curve = 'prime256v1'): ECDH {
  const peer = createECDH(curve);
  peer.generateKeys();
  return peer;
}

/** What the other side has. */
function secretOf(peer: ECDH): Buffer {
  const { x = '', y = '' } = publicKeyOf('9D').export({ format: 'jwk' });
  return peer.computeSecret(Buffer.concat([Uint8Array.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]));
}

function ecdh(point: Uint8Array, { kdf = ck.CKD_NULL, sharedData = new Uint8Array() } = {}): TestMechanism {
  return {
    type: ck.CKM_ECDH1_DERIVE,
    write: (body) => {
      body.ulong(kdf);
      body.sized(sharedData);
      body.sized(point);
    },
  };
}

async function derive({ program, session, key }: Deriving, mechanism: TestMechanism, template: Template = []): Promise<number> {
  const isLatest = program.client.dialect === 2;
  const answer = await program.client.call(isLatest ? 'C_DeriveKey2' : 'C_DeriveKey', session, mechanism, key, template);
  if (isLatest) expect(answer.slice(0, 2)).toEqual([ck.CKR_OK, 0]);
  return Number(answer.at(-1));
}

const valueOf = async ({ program, session }: Deriving, object: number): Promise<Buffer> =>
  Buffer.from(await program.attribute(session, object, ck.CKA_VALUE));

const AES_256: Template = [
  [ck.CKA_CLASS, ck.CKO_SECRET_KEY],
  [ck.CKA_KEY_TYPE, ck.CKK_AES],
  [ck.CKA_VALUE_LEN, 32],
];

describe.each([1, 2] as const)('a program of dialect %s', (dialect: Dialect) => {
  it('agrees on the secret that the other side has', async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program(dialect));
    const peer = makePeer();
    const point = peer.getPublicKey();
    expect(await valueOf(deriving, await derive(deriving, ecdh(point)))).toEqual(secretOf(peer));
    const wrapped = Buffer.concat([Uint8Array.of(0x04, point.length), point]);
    expect(await valueOf(deriving, await derive(deriving, ecdh(wrapped)))).toEqual(secretOf(peer));
    const short = await derive(deriving, ecdh(point), [[ck.CKA_VALUE_LEN, 20]]);
    expect(await valueOf(deriving, short)).toEqual(secretOf(peer).subarray(12));
  });

  it('has the secret stretched by the functions of the standard', async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program(dialect));
    const peer = makePeer();
    const sharedData = new Uint8Array(Buffer.from('both know this'));
    const of = (hash: string, ...parts: readonly Uint8Array[]): Buffer =>
      parts.reduce((sum, part) => sum.update(part), createHash(hash)).digest();
    const [one, two] = [Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0, 0, 0, 2)];
    const secret = secretOf(peer);
    for (const [kdf, hash] of [
      [ck.CKD_SHA1_KDF, 'sha1'],
      [ck.CKD_SHA224_KDF, 'sha224'],
      [ck.CKD_SHA256_KDF, 'sha256'],
      [ck.CKD_SHA384_KDF, 'sha384'],
      [ck.CKD_SHA512_KDF, 'sha512'],
    ] as const) {
      const template: Template = [[ck.CKA_VALUE_LEN, 80]];
      const made = await derive(deriving, ecdh(peer.getPublicKey(), { kdf, sharedData }), template);
      const blocks = [one, two, Uint8Array.of(0, 0, 0, 3), Uint8Array.of(0, 0, 0, 4)].map((count) =>
        of(hash, secret, count, sharedData),
      );
      expect(await valueOf(deriving, made)).toEqual(Buffer.concat(blocks).subarray(0, 80));
    }
    const aes = await derive(deriving, ecdh(peer.getPublicKey(), { kdf: ck.CKD_SHA256_KDF_SP800, sharedData }), AES_256);
    expect(await valueOf(deriving, aes)).toEqual(of('sha256', one, secret, sharedData));
  });
});

describe('a key that was derived', () => {
  it('is an object of its session, found by its attributes, and not on the card', async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program());
    const { program, session } = deriving;
    const label = new Uint8Array(Buffer.from('agreed'));
    const made = await derive(deriving, ecdh(makePeer().getPublicKey()), [...AES_256, [ck.CKA_LABEL, label]]);
    expect(await program.find(session, [[ck.CKA_CLASS, ck.CKO_SECRET_KEY]])).toEqual([made]);
    expect(await program.find(session, [[ck.CKA_LABEL, label]])).toEqual([made]);
    expect(await program.attribute(session, made, ck.CKA_TOKEN)).toEqual(Uint8Array.of(0));
    expect(await program.attribute(session, made, ck.CKA_KEY_TYPE)).toEqual(encodeUlong(ck.CKK_AES));
    expect(await program.attribute(session, made, ck.CKA_LOCAL)).toEqual(Uint8Array.of(0));
    expect(await program.attribute(session, made, ck.CKA_EXTRACTABLE)).toEqual(Uint8Array.of(1));
    await program.client.call('C_DestroyObject', session, made);
    await expectValue(program.client.call('C_GetObjectSize', session, made), ck.CKR_OBJECT_HANDLE_INVALID);
    expect(await program.find(session, [[ck.CKA_CLASS, ck.CKO_SECRET_KEY]])).toEqual([]);
  });

  it('is seen by other sessions of the program, by no other program, and by nobody once its session has ended', async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program());
    const { program } = deriving;
    const other = await program.session();
    const stranger = await begin(await desk.program());
    const made = await derive(deriving, ecdh(makePeer().getPublicKey()));
    expect(await program.find(other, [[ck.CKA_CLASS, ck.CKO_SECRET_KEY]])).toEqual([made]);
    const size = stranger.program.client.call('C_GetObjectSize', stranger.session, made);
    await expectValue(size, ck.CKR_OBJECT_HANDLE_INVALID);
    await expectValue(stranger.program.client.call('C_DestroyObject', stranger.session, made), ck.CKR_SESSION_READ_ONLY);
    await program.client.call('C_CloseSession', deriving.session);
    await expectValue(program.client.call('C_GetObjectSize', other, made), ck.CKR_OBJECT_HANDLE_INVALID);
  });

  it('goes with the login when it is private, and stays when it is not', async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program());
    const { program, session } = deriving;
    const point = makePeer().getPublicKey();
    const kept = await derive(deriving, ecdh(point), [[ck.CKA_PRIVATE, false]]);
    const hidden = await derive(deriving, ecdh(point));
    await program.client.call('C_Logout', session);
    expect(await program.find(session, [[ck.CKA_CLASS, ck.CKO_SECRET_KEY]])).toEqual([kept]);
    await program.login(session, PIN);
    await expectValue(program.client.call('C_GetObjectSize', session, hidden), ck.CKR_OBJECT_HANDLE_INVALID);
  });

  it(`is refused when ${MAX_SESSION_OBJECTS} are there, before the card is asked`, { timeout: 60_000 }, async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program());
    const { program, session } = deriving;
    const point = makePeer().getPublicKey();
    const first = await derive(deriving, ecdh(point));
    for (let count = 1; count < MAX_SESSION_OBJECTS; count++) await derive(deriving, ecdh(point));
    const before = desk.card.count(GENERAL_AUTHENTICATE);
    await expectValue(derive(deriving, ecdh(point)), ck.CKR_DEVICE_MEMORY);
    expect(desk.card.count(GENERAL_AUTHENTICATE)).toBe(before);
    await program.client.call('C_DestroyObject', session, first);
    expect(await derive(deriving, ecdh(point))).toBeGreaterThan(first);
  });
});

describe('deriving is refused', () => {
  const shut = new Uint8Array(65).fill(7);
  shut[0] = 4;
  const point = new Uint8Array(makePeer().getPublicKey());

  it.each<readonly [string, TestMechanism, Template, number]>([
    ['by a point that is not on the curve', ecdh(shut), [], ck.CKR_MECHANISM_PARAM_INVALID],
    ['by a point of another curve', ecdh(makePeer('secp384r1').getPublicKey()), [], ck.CKR_MECHANISM_PARAM_INVALID],
    ['without a point', ecdh(new Uint8Array()), [], ck.CKR_MECHANISM_PARAM_INVALID],
    ['by half of a point in DER', ecdh(Uint8Array.of(4, 65, 4, 1, 2)), [], ck.CKR_MECHANISM_PARAM_INVALID],
    ['by a function that there is not', ecdh(point, { kdf: 0x4711 }), [], ck.CKR_MECHANISM_PARAM_INVALID],
    ['with data that no function takes', ecdh(point, { sharedData: shut }), [], ck.CKR_MECHANISM_PARAM_INVALID],
    ['by a mechanism for something else', { type: ck.CKM_ECDSA }, [], ck.CKR_MECHANISM_INVALID],
    ['for a key that is to be on the card', ecdh(point), [[ck.CKA_TOKEN, true]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['for a key that nobody could read', ecdh(point), [[ck.CKA_SENSITIVE, true]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['for a key that could not leave', ecdh(point), [[ck.CKA_EXTRACTABLE, false]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['for an object of another class', ecdh(point), [[ck.CKA_CLASS, ck.CKO_PRIVATE_KEY]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['for a key of another type', ecdh(point), [[ck.CKA_KEY_TYPE, ck.CKK_RSA]], ck.CKR_TEMPLATE_INCONSISTENT],
    ['for a value that is given', ecdh(point), [[ck.CKA_VALUE, shut]], ck.CKR_TEMPLATE_INCONSISTENT],
    ["for an attribute that is the token's to say", ecdh(point), [[ck.CKA_LOCAL, true]], ck.CKR_ATTRIBUTE_READ_ONLY],
    ['for an attribute that secrets have not', ecdh(point), [[ck.CKA_MODULUS, shut]], ck.CKR_ATTRIBUTE_TYPE_INVALID],
    ['for a name without end', ecdh(point), [[ck.CKA_LABEL, new Uint8Array(100_000)]], ck.CKR_ATTRIBUTE_VALUE_INVALID],
    ['for an AES key of no length', ecdh(point), AES_256.slice(0, 2), ck.CKR_TEMPLATE_INCOMPLETE],
    ['for an AES key of a length that there is not', ecdh(point), [...AES_256, [ck.CKA_VALUE_LEN, 17]], ck.CKR_KEY_SIZE_RANGE],
    ['for more than comes out', ecdh(point), [[ck.CKA_VALUE_LEN, 33]], ck.CKR_KEY_SIZE_RANGE],
    ['for nothing', ecdh(point), [[ck.CKA_VALUE_LEN, 0]], ck.CKR_KEY_SIZE_RANGE],
    [
      'for more than there is room for',
      ecdh(point, { kdf: ck.CKD_SHA256_KDF }),
      [[ck.CKA_VALUE_LEN, 2 ** 40]],
      ck.CKR_KEY_SIZE_RANGE,
    ],
  ])('%s, and the card is not asked', async (_, mechanism, template, value) => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program());
    const before = desk.card.count(GENERAL_AUTHENTICATE);
    await expectValue(derive(deriving, mechanism, template), value);
    expect(desk.card.count(GENERAL_AUTHENTICATE)).toBe(before);
    expect(await deriving.program.find(deriving.session, [[ck.CKA_CLASS, ck.CKO_SECRET_KEY]])).toEqual([]);
  });

  it('to keys for other things, to strangers, and to programs that cannot say it', async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program());
    const { program, session, key } = deriving;
    const [signing, rsa] = [await program.key(session, '9A'), await program.key(session, '9C')];
    await expectValue(derive({ ...deriving, key: signing }, ecdh(point)), ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
    await expectValue(derive({ ...deriving, key: rsa }, ecdh(point)), ck.CKR_KEY_TYPE_INCONSISTENT);
    await expectValue(derive({ ...deriving, key: 4_711 }, ecdh(point)), ck.CKR_KEY_HANDLE_INVALID);
    await expectValue(derive({ ...deriving, session: 4_711 }, ecdh(point)), ck.CKR_SESSION_HANDLE_INVALID);
    const stranger = await desk.program();
    const own = await stranger.session();
    await expectValue(derive({ program: stranger, session: own, key }, ecdh(point)), ck.CKR_KEY_HANDLE_INVALID);
    const [slot = 0] = await program.slots();
    const [, , flags] = await program.client.call('C_GetMechanismInfo', slot, ck.CKM_ECDH1_DERIVE);
    expect(Number(flags) & ck.CKF_DERIVE).toBe(ck.CKF_DERIVE);
    const old = await desk.program(0);
    await expectValue(old.client.call('C_GetMechanismInfo', slot, ck.CKM_ECDH1_DERIVE), ck.CKR_MECHANISM_INVALID);
  });
});

describe('a key of a session is changed by its program', () => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);

  it('in its names, dates and uses, also in a session that reads, and in nothing else', async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program());
    const { program, session } = deriving;
    const object = await derive(deriving, ecdh(makePeer().getPublicKey()));
    const set = (template: Template) => program.client.call('C_SetAttributeValue', session, object, template);
    expect(await program.attribute(session, object, ck.CKA_MODIFIABLE)).toEqual(Uint8Array.of(1));
    await set([
      [ck.CKA_LABEL, text('mine')],
      [ck.CKA_ID, Uint8Array.of(7)],
      [ck.CKA_ENCRYPT, true],
      [ck.CKA_START_DATE, text('20261123')],
    ]);
    const [found] = await program.find(session, [
      [ck.CKA_LABEL, text('mine')],
      [ck.CKA_ID, Uint8Array.of(7)],
    ]);
    expect(found).toBe(object);
    expect(await program.attribute(session, object, ck.CKA_ENCRYPT)).toEqual(Uint8Array.of(1));
    expect(Buffer.from(await program.attribute(session, object, ck.CKA_START_DATE)).toString()).toBe('20261123');
    for (const [type, value] of [
      [ck.CKA_EXTRACTABLE, false],
      [ck.CKA_SENSITIVE, true],
      [ck.CKA_TOKEN, true],
      [ck.CKA_KEY_TYPE, ck.CKK_AES],
      [ck.CKA_VALUE, Uint8Array.of(1)],
    ] as const)
      await expectValue(
        set([
          [ck.CKA_LABEL, text('half')],
          [type, value],
        ]),
        ck.CKR_ATTRIBUTE_READ_ONLY,
      );
    await expectValue(set([[ck.CKA_MODULUS, Uint8Array.of(1)]]), ck.CKR_ATTRIBUTE_TYPE_INVALID);
    await expectValue(set([[ck.CKA_START_DATE, text('today')]]), ck.CKR_ATTRIBUTE_VALUE_INVALID);
    await expectValue(set([[ck.CKA_LABEL, new Uint8Array(513)]]), ck.CKR_ATTRIBUTE_VALUE_INVALID);
    expect(Buffer.from(await program.attribute(session, object, ck.CKA_LABEL)).toString()).toBe('mine');
  });

  it('unless it was made to stay as it is', async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program());
    const { program, session } = deriving;
    const object = await derive(deriving, ecdh(makePeer().getPublicKey()), [[ck.CKA_MODIFIABLE, false]]);
    const change = program.client.call('C_SetAttributeValue', session, object, [[ck.CKA_LABEL, text('mine')]]);
    await expectValue(change, ck.CKR_ACTION_PROHIBITED);
  });

  it('and is not deleted when it was made to stay; it goes with its session', async () => {
    await using desk = await openPkcs11Desk();
    const deriving = await begin(await desk.program());
    const { program, session } = deriving;
    const object = await derive(deriving, ecdh(makePeer().getPublicKey()), [[ck.CKA_DESTROYABLE, Uint8Array.of(0)]]);
    await expectValue(program.client.call('C_DestroyObject', session, object), ck.CKR_ACTION_PROHIBITED);
    expect(await program.attribute(session, object, ck.CKA_DESTROYABLE)).toEqual(Uint8Array.of(0));
    await program.client.call('C_CloseSession', session);
    const next = await program.session();
    await expectValue(program.attribute(next, object, ck.CKA_DESTROYABLE), ck.CKR_OBJECT_HANDLE_INVALID);
  });
});

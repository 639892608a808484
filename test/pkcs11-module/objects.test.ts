/** What programs find on a card, and what they are told of it: searches, sizes, room that is too small, digests, random numbers. */
import { createHash, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeUlong, encodeUlong } from '../../pkcs11-module/rpc/attributes.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { PIN, openBench } from '../api/support.ts';
import { openPkcs11Desk, publicKeyOf } from './desk.ts';
import { Program, ck, expectValue } from './program.ts';
import { NULL_MECHANISM } from './rpc-client.ts';

const MESSAGE = Buffer.from('what is signed on a card must verify anywhere');
const DIGEST = createHash('sha256').update(MESSAGE).digest();
const classOf = (objectClass: number) => [[ck.CKA_CLASS, objectClass]] as const;
const id = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

async function loggedIn(program: Program): Promise<number> {
  const session = await program.session();
  await program.login(session, PIN);
  return session;
}

describe('a search', () => {
  it('finds certificates and public keys without login, private keys with it', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    const counts = async (): Promise<readonly number[]> =>
      await Promise.all([]).then(async () => [
        (await program.find(session, classOf(ck.CKO_CERTIFICATE))).length,
        (await program.find(session, classOf(ck.CKO_PUBLIC_KEY))).length,
        (await program.find(session, classOf(ck.CKO_PRIVATE_KEY))).length,
        (await program.find(session, classOf(ck.CKO_PROFILE))).length,
      ]);
    expect(await counts()).toEqual([3, 3, 0, 4]);
    await program.login(session, PIN);
    expect(await counts()).toEqual([3, 3, 3, 4]);
    expect(await program.find(session, [])).toHaveLength(13);
  });

  it('goes by whatever the template has: a number, a boolean, bytes', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const [certificate = 0] = await program.find(session, [...classOf(ck.CKO_CERTIFICATE), [ck.CKA_ID, id('9c')]]);
    const der = await program.attribute(session, certificate, ck.CKA_VALUE);
    expect(new X509Certificate(der).subject).toContain('Person 9C');
    expect(await program.find(session, [[ck.CKA_VALUE, der]])).toEqual([certificate]);
    const subject = await program.attribute(session, certificate, ck.CKA_SUBJECT);
    expect(await program.find(session, [[ck.CKA_SUBJECT, subject]])).toEqual([certificate]);
    expect(
      await program.find(session, [
        [ck.CKA_KEY_TYPE, ck.CKK_RSA],
        [ck.CKA_SIGN, true],
      ]),
    ).toEqual([await program.key(session, '9C')]);
    expect(await program.find(session, [[ck.CKA_SIGN, false]])).toEqual([await program.key(session, '9D')]);
    expect(await program.find(session, [[ck.CKA_LABEL, id('00')]])).toEqual([]);
    expect(await program.find(session, [[0xce53_4352, id('01')]])).toEqual([]);
  });

  it('gives what there is room for, and the rest at the next call', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    await program.client.call('C_FindObjectsInit', session, []);
    await expectValue(program.client.call('C_FindObjectsInit', session, []), ck.CKR_OPERATION_ACTIVE);
    const sizes = [];
    for (let count = 0; count < 4; count++) {
      const [found] = await program.client.call('C_FindObjects', session, 4);
      sizes.push((found as { readonly value: readonly number[] }).value.length);
    }
    expect(sizes).toEqual([4, 4, 2, 0]);
    await program.client.call('C_FindObjectsFinal', session);
    await expectValue(program.client.call('C_FindObjects', session, 4), ck.CKR_OPERATION_NOT_INITIALIZED);
    await expectValue(program.client.call('C_FindObjectsFinal', session), ck.CKR_OPERATION_NOT_INITIALIZED);
  });

  it('of a card that is known costs at most two exchanges with it, however much is asked', async () => {
    await using desk = await openPkcs11Desk();
    const first = await desk.program();
    await first.find(await first.session(), []);
    desk.card.forget();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    for (let round = 0; round < 5; round++) {
      const session = await program.session(slot);
      await program.tokenFlags(slot);
      for (const object of await program.find(session, [])) await program.attribute(session, object, ck.CKA_CLASS);
      await program.client.call('C_GetMechanismList', slot, 128);
      await program.client.call('C_CloseSession', session);
    }
    expect(desk.card.exchanges).toBeLessThanOrEqual(2);
  });
});

describe('an attribute', () => {
  it('is as the key is, and says its size before it is fetched', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const key = await program.key(session, '9C');
    const jwk = publicKeyOf('9C').export({ format: 'jwk' });
    expect(await program.attribute(session, key, ck.CKA_MODULUS)).toEqual(
      new Uint8Array(Buffer.from(String(jwk.n), 'base64url')),
    );
    expect(decodeUlong(await program.attribute(session, key, ck.CKA_MODULUS_BITS))).toBe(2_048);
    const { value, result } = await program.attributes(session, key, [
      [ck.CKA_MODULUS, 0],
      [ck.CKA_KEY_TYPE, 0],
      [ck.CKA_SIGN, 0],
      [ck.CKA_ID, 0],
    ]);
    expect(result).toBe(ck.CKR_OK);
    expect(value.map(({ isValid, length }) => [isValid, length])).toEqual([
      [true, 256],
      [true, 8],
      [true, 1],
      [true, 1],
    ]);
  });

  it('of a curve is its point, as an OCTET STRING, and its name', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const key = await program.key(session, '9A', ck.CKO_PUBLIC_KEY);
    const jwk = publicKeyOf('9A').export({ format: 'jwk' });
    const point = Buffer.concat([
      Buffer.from('044104', 'hex'),
      Buffer.from(String(jwk.x), 'base64url'),
      Buffer.from(String(jwk.y), 'base64url'),
    ]);
    expect(Buffer.from(await program.attribute(session, key, ck.CKA_EC_POINT)).toString('hex')).toBe(point.toString('hex'));
    expect(await program.attribute(session, key, ck.CKA_EC_PARAMS)).toEqual(id('06082a8648ce3d030107'));
  });

  it('that is secret, not there, or too long for the room is told apart, and the others come all the same', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const key = await program.key(session, '9C');
    const ask = (...types: readonly (readonly [number, number])[]) => program.attributes(session, key, types);
    expect(await ask([ck.CKA_PRIVATE_EXPONENT, 256], [ck.CKA_ID, 8])).toEqual({
      value: [
        { type: ck.CKA_PRIVATE_EXPONENT, isValid: false },
        { type: ck.CKA_ID, isValid: true, length: 1, value: id('9c') },
      ],
      result: ck.CKR_ATTRIBUTE_SENSITIVE,
    });
    expect((await ask([0x04, 8], [ck.CKA_ID, 8])).result).toBe(ck.CKR_ATTRIBUTE_TYPE_INVALID);
    const { value, result } = await ask([ck.CKA_MODULUS, 255], [ck.CKA_KEY_TYPE, 8]);
    expect(result).toBe(ck.CKR_BUFFER_TOO_SMALL);
    expect(value).toEqual([
      { type: ck.CKA_MODULUS, isValid: false },
      { type: ck.CKA_KEY_TYPE, isValid: true, length: 8, value: encodeUlong(ck.CKK_RSA) },
    ]);
    await expectValue(program.attributes(session, 9_999, [[ck.CKA_ID, 8]]), ck.CKR_OBJECT_HANDLE_INVALID);
  });

  it('of a private key is nobody’s who is not logged in, also with its handle at hand', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const key = await program.key(session, '9C');
    await program.client.call('C_Logout', session);
    await expectValue(program.attributes(session, key, [[ck.CKA_ID, 8]]), ck.CKR_OBJECT_HANDLE_INVALID);
  });
});

describe('room that is too small', () => {
  it('for slots or mechanisms is answered with how many there are', async () => {
    await using desk = await openPkcs11Desk({ readers: [{}, {}] });
    const program = await desk.program();
    expect(await program.client.call('C_GetSlotList', 0, null)).toEqual([{ length: 2 }]);
    expect(await program.client.call('C_GetSlotList', 0, 1)).toEqual([{ length: 2 }]);
    const [slot = 0] = await program.slots();
    const [all] = await program.client.call('C_GetMechanismList', slot, 128);
    const count = (all as { readonly value: readonly number[] }).value.length;
    expect(count).toBeGreaterThan(5);
    expect(await program.client.call('C_GetMechanismList', slot, null)).toEqual([{ length: count }]);
    expect(await program.client.call('C_GetMechanismList', slot, 2)).toEqual([{ length: count }]);
  });

  it('for a signature leaves it to be fetched, and nothing is asked of the card before', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await loggedIn(program);
    desk.card.forget();
    await program.client.call('C_SignInit', session, { type: ck.CKM_ECDSA }, await program.key(session, '9A'));
    expect(await program.length('C_Sign', session, DIGEST, null)).toBe(64);
    expect(await program.length('C_Sign', session, DIGEST, 63)).toBe(64);
    expect(desk.card.exchanges).toBe(0);
    expect(await program.bytes('C_Sign', session, DIGEST, 64)).toHaveLength(64);
    await expectValue(program.client.call('C_Sign', session, DIGEST, 64), ck.CKR_OPERATION_NOT_INITIALIZED);
  });

  it('for a digest leaves it to be fetched', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    await program.client.call('C_DigestInit', session, { type: ck.CKM_SHA256 });
    expect(await program.length('C_Digest', session, MESSAGE, null)).toBe(32);
    expect(await program.length('C_Digest', session, MESSAGE, 31)).toBe(32);
    expect(await program.bytes('C_Digest', session, MESSAGE, 32)).toEqual(new Uint8Array(DIGEST));
    await program.client.call('C_DigestInit', session, { type: ck.CKM_SHA256 });
    await program.client.call('C_DigestUpdate', session, MESSAGE.subarray(0, 7));
    await program.client.call('C_DigestUpdate', session, MESSAGE.subarray(7));
    expect(await program.length('C_DigestFinal', session, 0)).toBe(32);
    expect(await program.bytes('C_DigestFinal', session, 32)).toEqual(new Uint8Array(DIGEST));
  });
});

describe('a signature', () => {
  it('given in parts is the same as in one, and holds; another one does not', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const mechanism = { type: ck.CKM_ECDSA_SHA256 };
    await program.client.call('C_SignInit', session, mechanism, await program.key(session, '9A'));
    for (let at = 0; at < MESSAGE.length; at += 10)
      await program.client.call('C_SignUpdate', session, MESSAGE.subarray(at, at + 10));
    const signature = await program.bytes('C_SignFinal', session, 64);
    const publicKey = await program.key(session, '9A', ck.CKO_PUBLIC_KEY);
    const verify = async (data: Uint8Array, given: Uint8Array): Promise<void> => {
      await program.client.call('C_VerifyInit', session, mechanism, publicKey);
      await program.client.call('C_Verify', session, data, given);
    };
    await verify(MESSAGE, signature);
    await expectValue(verify(DIGEST, signature), ck.CKR_SIGNATURE_INVALID);
    await expectValue(verify(MESSAGE, signature.subarray(1)), ck.CKR_SIGNATURE_LEN_RANGE);
  });

  it('is ended by a NULL mechanism, and refused for what does not go together', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await loggedIn(program);
    const key = await program.key(session, '9A');
    await program.client.call('C_SignInit', session, { type: ck.CKM_ECDSA }, key);
    await program.client.call('C_SignInit', session, NULL_MECHANISM, 0);
    await expectValue(program.client.call('C_Sign', session, DIGEST, 64), ck.CKR_OPERATION_NOT_INITIALIZED);
    const init = (type: number, on: number) => program.client.call('C_SignInit', session, { type }, on);
    await expectValue(init(ck.CKM_RSA_PKCS, key), ck.CKR_KEY_TYPE_INCONSISTENT);
    await expectValue(init(ck.CKM_SHA256, key), ck.CKR_MECHANISM_INVALID);
    await expectValue(init(ck.CKM_ECDSA, 9_999), ck.CKR_KEY_HANDLE_INVALID);
    await expectValue(init(ck.CKM_ECDSA, await program.key(session, '9A', ck.CKO_PUBLIC_KEY)), ck.CKR_KEY_HANDLE_INVALID);
  });
});

describe('a certificate of an authority', () => {
  it("goes by its subject's common name", async () => {
    await using bench = await openBench();
    await bench.insert(createEidCard({ persona: 'anna' }));
    await using program = await Program.open(bench);
    const session = await program.session();
    const found = await program.find(session, [
      [ck.CKA_CLASS, ck.CKO_CERTIFICATE],
      [ck.CKA_CERTIFICATE_CATEGORY, ck.CK_CERTIFICATE_CATEGORY_AUTHORITY],
    ]);
    expect(found.length).toBeGreaterThan(0);
    for (const object of found) {
      const { subject } = new X509Certificate(await program.attribute(session, object, ck.CKA_VALUE));
      const label = Buffer.from(await program.attribute(session, object, ck.CKA_LABEL)).toString();
      expect(subject.split('\n')).toContain(`CN=${label}`);
    }
  });
});

describe('random numbers', () => {
  it('come as many as were asked for, and no two the same', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    const [one, other] = [
      await program.bytes('C_GenerateRandom', session, 32),
      await program.bytes('C_GenerateRandom', session, 32),
    ];
    expect(one).toHaveLength(32);
    expect(one).not.toEqual(other);
    expect(await program.bytes('C_GenerateRandom', session, 0xff_ff_ff_ff)).toHaveLength(0);
    await expectValue(program.client.call('C_GenerateRandom', session, 10_000_000), ck.CKR_ARGUMENTS_BAD);
  });
});

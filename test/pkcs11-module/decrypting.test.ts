/** What OpenSSL encrypted for a key of a card, decrypted by the card: both paddings, sizes, and what does not hold. */
import { constants, publicEncrypt, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RpcWriter } from '../../pkcs11-module/rpc/writer.ts';
import { cardKey, certificateFor, openBench, PIN, testKey, watchedPivCard } from '../api/support.ts';
import { ck, expectValue, Program } from './program.ts';
import type { TestMechanism } from './rpc-client.ts';

const MESSAGE = Buffer.from('a session key');
const { publicKey } = testKey('RSA-2048', 'key management');

interface Decrypting extends AsyncDisposable {
  readonly program: Program;
  readonly session: number;
  readonly key: number;
}

async function openDecrypting(): Promise<Decrypting> {
  await using undo = new AsyncDisposableStack();
  const bench = undo.use(await openBench());
  const certificate = certificateFor(publicKey, { name: 'Key management' });
  await bench.insert(
    watchedPivCard({
      keys: {
        '9A': cardKey('RSA-2048', { name: 'signs', certificate: certificateFor(testKey('RSA-2048', 'signs').publicKey) }),
        '9D': cardKey('RSA-2048', { name: 'key management', certificate }),
      },
    }),
  );
  const program = undo.use(await Program.open(bench));
  const session = await program.session();
  await program.login(session, PIN);
  const key = await program.key(session, '9D');
  const resources = undo.move();
  return { program, session, key, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

const PKCS1: TestMechanism = { type: ck.CKM_RSA_PKCS };
function oaep(hash: number, mgf: number): TestMechanism {
  const write = (body: RpcWriter): void => {
    for (const value of [hash, mgf, 1]) body.ulong(value);
    body.sized(new Uint8Array());
  };
  return { type: ck.CKM_RSA_PKCS_OAEP, write };
}

const decrypt = async (
  { program, session, key }: Decrypting,
  mechanism: TestMechanism,
  cryptogram: Uint8Array,
): Promise<Uint8Array> => {
  await program.client.call('C_DecryptInit', session, mechanism, key);
  return await program.bytes('C_Decrypt', session, cryptogram, 256);
};

describe('a card', () => {
  it('decrypts PKCS #1 v1.5, and OAEP with SHA-1 and SHA-256', async () => {
    await using desk = await openDecrypting();
    const pkcs1 = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, MESSAGE);
    expect(Buffer.from(await decrypt(desk, PKCS1, pkcs1))).toEqual(MESSAGE);
    for (const [name, hash, mgf] of [
      ['sha1', ck.CKM_SHA_1, ck.CKG_MGF1_SHA1],
      ['sha256', ck.CKM_SHA256, ck.CKG_MGF1_SHA256],
    ] as const)
      expect(
        Buffer.from(await decrypt(desk, oaep(hash, mgf), publicEncrypt({ key: publicKey, oaepHash: name }, MESSAGE))),
      ).toEqual(MESSAGE);
  });

  it('gives what there is room for: a size first, then the bytes, without asking the card twice', async () => {
    await using desk = await openDecrypting();
    const { program, session, key } = desk;
    const cryptogram = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, MESSAGE);
    await program.client.call('C_DecryptInit', session, PKCS1, key);
    expect(await program.length('C_Decrypt', session, cryptogram, null)).toBe(256);
    expect(await program.length('C_Decrypt', session, cryptogram, 4)).toBe(MESSAGE.length);
    expect(Buffer.from(await program.bytes('C_Decrypt', session, cryptogram, MESSAGE.length))).toEqual(MESSAGE);
    await expectValue(program.client.call('C_Decrypt', session, cryptogram, 256), ck.CKR_OPERATION_NOT_INITIALIZED);
  });

  it('takes the data in parts', async () => {
    await using desk = await openDecrypting();
    const { program, session, key } = desk;
    const cryptogram = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, MESSAGE);
    await program.client.call('C_DecryptInit', session, PKCS1, key);
    expect(await program.bytes('C_DecryptUpdate', session, cryptogram.subarray(0, 100), 256)).toHaveLength(0);
    await program.bytes('C_DecryptUpdate', session, cryptogram.subarray(100), 256);
    expect(Buffer.from(await program.bytes('C_DecryptFinal', session, 256))).toEqual(MESSAGE);
  });

  it('says of what does not hold only that it does not', async () => {
    await using desk = await openDecrypting();
    const cryptogram = publicEncrypt({ key: publicKey, oaepHash: 'sha1' }, MESSAGE);
    await expectValue(decrypt(desk, PKCS1, cryptogram), ck.CKR_ENCRYPTED_DATA_INVALID);
    await expectValue(decrypt(desk, oaep(ck.CKM_SHA256, ck.CKG_MGF1_SHA256), cryptogram), ck.CKR_ENCRYPTED_DATA_INVALID);
    await expectValue(decrypt(desk, PKCS1, randomBytes(255)), ck.CKR_ENCRYPTED_DATA_LEN_RANGE);
    await expectValue(decrypt(desk, PKCS1, randomBytes(257)), ck.CKR_ENCRYPTED_DATA_LEN_RANGE);
  });

  it('does it with keys for it alone, and tells so', async () => {
    await using desk = await openDecrypting();
    const { program, session } = desk;
    const signing = await program.key(session, '9A');
    await expectValue(program.client.call('C_DecryptInit', session, PKCS1, signing), ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
    await expectValue(program.client.call('C_DecryptInit', session, oaep(4_711, 1), desk.key), ck.CKR_MECHANISM_PARAM_INVALID);
    expect(await program.attribute(session, signing, ck.CKA_DECRYPT)).toEqual(Uint8Array.of(0));
    expect(await program.attribute(session, desk.key, ck.CKA_DECRYPT)).toEqual(Uint8Array.of(1));
    const [slot = 0] = await program.slots();
    const [, , flags] = await program.client.call('C_GetMechanismInfo', slot, ck.CKM_RSA_PKCS_OAEP);
    expect(Number(flags) & ck.CKF_DECRYPT).toBe(ck.CKF_DECRYPT);
  });
});

describe('a key that wants its PIN for each use', () => {
  const openGuarded = async (): Promise<Decrypting & { readonly cryptogram: Uint8Array }> => {
    await using undo = new AsyncDisposableStack();
    const bench = undo.use(await openBench());
    // Its card tells of it, since no certificate does.
    await bench.insert(watchedPivCard({ keys: { '9D': { ...cardKey('RSA-2048', { name: 'key management' }), pinPolicy: 3 } } }));
    const program = undo.use(await Program.open(bench));
    const session = await program.session();
    await program.login(session, PIN);
    const key = await program.key(session, '9D');
    const cryptogram = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, MESSAGE);
    const resources = undo.move();
    return { program, session, key, cryptogram, [Symbol.asyncDispose]: () => resources.disposeAsync() };
  };

  it('decrypts once for each, and not without', async () => {
    await using desk = await openGuarded();
    const { program, session, key, cryptogram } = desk;
    expect(await program.attribute(session, key, ck.CKA_ALWAYS_AUTHENTICATE)).toEqual(Uint8Array.of(1));
    await expectValue(program.login(session, PIN, ck.CKU_CONTEXT_SPECIFIC), ck.CKR_OPERATION_NOT_INITIALIZED);
    await expectValue(decrypt(desk, PKCS1, cryptogram), ck.CKR_USER_NOT_LOGGED_IN);
    for (let use = 0; use < 2; use++) {
      await program.client.call('C_DecryptInit', session, PKCS1, key);
      await program.login(session, PIN, ck.CKU_CONTEXT_SPECIFIC);
      expect(Buffer.from(await program.bytes('C_Decrypt', session, cryptogram, 256))).toEqual(MESSAGE);
    }
  });

  it('is given up with an operation that never got its PIN', async () => {
    await using desk = await openGuarded();
    const { program, session, key, cryptogram } = desk;
    for (const name of ['C_DecryptInit', 'C_SignInit'] as const) {
      await program.client.call(name, session, PKCS1, key);
      await program.client.call(name, session, PKCS1, key);
    }
    await program.client.call('C_SessionCancel', session, ck.CKF_SIGN);
    await program.login(session, PIN, ck.CKU_CONTEXT_SPECIFIC);
    await expectValue(program.client.call('C_DecryptInit', session, PKCS1, key), ck.CKR_OPERATION_ACTIVE);
    expect(Buffer.from(await program.bytes('C_Decrypt', session, cryptogram, 256))).toEqual(MESSAGE);
  });
});

/** What needs no card or only its private key's part: encryption, verification, recovery, digests, raw RSA, PSS of any salt, keys unwrapped; in one part and in several. */
import {
  constants,
  createHash,
  createPublicKey,
  createVerify,
  privateDecrypt,
  publicDecrypt,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import type { CallName } from '../../pkcs11-module/rpc/calls.ts';
import { cardKey, certificateFor, openBench, PIN, testKey, watchedPivCard } from '../api/support.ts';
import { ck, expectValue, Program } from './program.ts';
import { NULL_MECHANISM, type TestMechanism } from './rpc-client.ts';

const MESSAGE = new Uint8Array(Buffer.from('what is done without a card'));
const LONG = new Uint8Array(randomBytes(5_000));
const ENCRYPTION = testKey('RSA-2048', 'key management');
const SIGNATURE = testKey('RSA-2048', 'signs');
const MODULUS = 256;
const EID_PIN = '137946';

interface Open extends AsyncDisposable {
  readonly program: Program;
  readonly session: number;
  /** Of keys for signatures and for decryption. */
  readonly signing: { readonly priv: number; readonly pub: number };
  readonly encryption: { readonly priv: number; readonly pub: number };
}

/** A PIV card with RSA in 9A and 9D, or an e-ID card, whose one key does both. */
async function open(kind: 'eid' | 'piv' = 'piv'): Promise<Open> {
  await using undo = new AsyncDisposableStack();
  const bench = undo.use(await openBench());
  const certified = ({ publicKey }: typeof SIGNATURE): string => certificateFor(publicKey);
  const keys = {
    '9A': cardKey('RSA-2048', { name: 'signs', certificate: certified(SIGNATURE) }),
    '9D': cardKey('RSA-2048', { name: 'key management', certificate: certified(ENCRYPTION) }),
  };
  const pins = { legitimering: EID_PIN, underskrift: '964731', puk: '12345679' };
  await bench.insert(kind === 'piv' ? watchedPivCard({ keys }) : createEidCard({ persona: 'anna', pins }));
  const program = undo.use(await Program.open(bench));
  const session = await program.session();
  await program.login(session, kind === 'piv' ? PIN : EID_PIN);
  const pair = async (id: string): Promise<Open['signing']> => ({
    priv: await program.key(session, id),
    pub: await program.key(session, id, ck.CKO_PUBLIC_KEY),
  });
  const [signing, encryption] = [await pair(kind === 'piv' ? '9A' : '45'), await pair(kind === 'piv' ? '9D' : '45')];
  const resources = undo.move();
  return { program, session, signing, encryption, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

const plain = (type: number): TestMechanism => ({ type });
const numbers = (type: number, ...values: readonly number[]): TestMechanism => ({
  type,
  write: (body) => {
    for (const value of values) body.ulong(value);
    if (type === ck.CKM_RSA_PKCS_OAEP) body.sized(new Uint8Array());
  },
});
const OAEP_SHA256 = numbers(ck.CKM_RSA_PKCS_OAEP, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, ck.CKZ_DATA_SPECIFIED);

/** The operation in one part, or in pieces of so many bytes. */
async function run(
  { program, session }: Open,
  name: 'Decrypt' | 'Digest' | 'Encrypt' | 'Sign',
  data: Uint8Array,
  pieceLength?: number,
): Promise<Buffer> {
  const call = (suffix: string): CallName => `C_${name}${suffix}` as CallName;
  if (pieceLength === undefined) return Buffer.from(await program.bytes(call(''), session, data, 1_024));
  for (let offset = 0; offset < data.length; offset += pieceLength) {
    const piece = data.subarray(offset, offset + pieceLength);
    await program.client.call(call('Update'), session, piece, ...(name === 'Encrypt' || name === 'Decrypt' ? [1_024] : []));
  }
  return Buffer.from(await program.bytes(call('Final'), session, 1_024));
}

async function publicKeyOf({ program, session }: Open, object: number): Promise<KeyObject> {
  const key = Buffer.from(await program.attribute(session, object, ck.CKA_PUBLIC_KEY_INFO));
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

const init = (opened: Open, name: CallName, mechanism: TestMechanism, key: number): Promise<unknown> =>
  opened.program.client.call(name, opened.session, mechanism, key);

describe('encryption by a public key', () => {
  it.each([undefined, 5])('is opened by its private key, by PKCS #1, OAEP, and raw; pieces of %s', async (pieceLength) => {
    await using opened = await open();
    const { encryption } = opened;
    for (const [mechanism, options] of [
      [plain(ck.CKM_RSA_PKCS), { padding: constants.RSA_PKCS1_PADDING }],
      [OAEP_SHA256, { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }],
    ] as const) {
      await init(opened, 'C_EncryptInit', mechanism, encryption.pub);
      const cryptogram = await run(opened, 'Encrypt', MESSAGE, pieceLength);
      expect(privateDecrypt({ key: ENCRYPTION.privateKey, ...options }, cryptogram)).toEqual(Buffer.from(MESSAGE));
      await init(opened, 'C_DecryptInit', mechanism, encryption.priv);
      expect(await run(opened, 'Decrypt', cryptogram, pieceLength === undefined ? undefined : 100)).toEqual(Buffer.from(MESSAGE));
    }
    await init(opened, 'C_EncryptInit', plain(ck.CKM_RSA_X_509), encryption.pub);
    const raised = await run(opened, 'Encrypt', MESSAGE, pieceLength);
    await init(opened, 'C_DecryptInit', plain(ck.CKM_RSA_X_509), encryption.priv);
    const block = await run(opened, 'Decrypt', raised);
    expect(block).toEqual(Buffer.concat([Buffer.alloc(MODULUS - MESSAGE.length), MESSAGE]));
  });

  it('is refused for what is too long, for keys for other things, and for masks that are not the hash', async () => {
    await using opened = await open();
    const { program, session, encryption, signing } = opened;
    await init(opened, 'C_EncryptInit', plain(ck.CKM_RSA_PKCS), encryption.pub);
    expect(await program.length('C_Encrypt', session, MESSAGE, null)).toBe(MODULUS);
    expect(await program.length('C_Encrypt', session, MESSAGE, 10)).toBe(MODULUS);
    await expectValue(program.client.call('C_Encrypt', session, new Uint8Array(246), 1_024), ck.CKR_DATA_LEN_RANGE);
    await expectValue(program.client.call('C_Encrypt', session, MESSAGE, 1_024), ck.CKR_OPERATION_NOT_INITIALIZED);
    await init(opened, 'C_EncryptInit', plain(ck.CKM_RSA_X_509), encryption.pub);
    await expectValue(program.client.call('C_Encrypt', session, new Uint8Array(MODULUS).fill(0xff), 1_024), ck.CKR_DATA_INVALID);
    await expectValue(init(opened, 'C_EncryptInit', plain(ck.CKM_RSA_PKCS), signing.pub), ck.CKR_KEY_FUNCTION_NOT_PERMITTED);
    await expectValue(init(opened, 'C_EncryptInit', plain(ck.CKM_RSA_PKCS), encryption.priv), ck.CKR_KEY_HANDLE_INVALID);
    await expectValue(init(opened, 'C_EncryptInit', plain(ck.CKM_ECDSA), encryption.pub), ck.CKR_MECHANISM_INVALID);
    const mixed = numbers(ck.CKM_RSA_PKCS_OAEP, ck.CKM_SHA256, ck.CKG_MGF1_SHA1, ck.CKZ_DATA_SPECIFIED);
    await expectValue(init(opened, 'C_EncryptInit', mixed, encryption.pub), ck.CKR_MECHANISM_PARAM_INVALID);
  });
});

describe.each(['piv', 'eid'] as const)('a card (%s)', (kind) => {
  it('decrypts what was encrypted for it, raw, and by two paddings', async () => {
    await using opened = await open(kind);
    const { encryption } = opened;
    const key = await publicKeyOf(opened, encryption.pub);
    const cryptogram = publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, MESSAGE);
    await init(opened, 'C_DecryptInit', plain(ck.CKM_RSA_PKCS), encryption.priv);
    expect(await run(opened, 'Decrypt', cryptogram)).toEqual(Buffer.from(MESSAGE));
    await init(opened, 'C_DecryptInit', plain(ck.CKM_RSA_X_509), encryption.priv);
    const block = await run(opened, 'Decrypt', cryptogram);
    expect([block[0], block[1], block.subarray(-MESSAGE.length)]).toEqual([0, 2, Buffer.from(MESSAGE)]);
    await init(opened, 'C_DecryptInit', OAEP_SHA256, encryption.priv);
    expect(await run(opened, 'Decrypt', publicEncrypt({ key, oaepHash: 'sha256' }, MESSAGE))).toEqual(Buffer.from(MESSAGE));
  });

  it('tells of every cryptogram that does not hold by one value', async () => {
    await using opened = await open(kind);
    const { program, session, encryption } = opened;
    const key = await publicKeyOf(opened, encryption.pub);
    const raise = (block: Uint8Array): Buffer => publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
    const block = (...head: readonly number[]): Buffer =>
      Buffer.concat([Uint8Array.from(head), Buffer.alloc(MODULUS - head.length, 9)]);
    for (const [what, cryptogram] of [
      ['no separator', raise(block(0, 2))],
      ['another type', raise(block(0, 1, ...Buffer.alloc(20, 9), 0))],
      ['too little padding', raise(block(0, 2, 9, 9, 9, 0))],
      ['another first byte', raise(block(1, 2, ...Buffer.alloc(20, 9), 0))],
      ['a number above the modulus', Buffer.alloc(MODULUS, 0xff)],
    ] as const) {
      await init(opened, 'C_DecryptInit', plain(ck.CKM_RSA_PKCS), encryption.priv);
      await expectValue(program.client.call('C_Decrypt', session, cryptogram, 1_024), ck.CKR_ENCRYPTED_DATA_INVALID).catch(
        (error: unknown) => expect.fail(`${what}: ${String(error)}`),
      );
      const unwrapping = program.client.call('C_UnwrapKey', session, plain(ck.CKM_RSA_PKCS), encryption.priv, cryptogram, []);
      await expectValue(unwrapping, ck.CKR_WRAPPED_KEY_INVALID);
    }
  });

  it('signs blocks that the program padded, and recovers what was signed', async () => {
    await using opened = await open(kind);
    const { program, session, signing } = opened;
    const key = await publicKeyOf(opened, signing.pub);
    await init(opened, 'C_SignInit', plain(ck.CKM_RSA_X_509), signing.priv);
    const signature = await run(opened, 'Sign', MESSAGE);
    const block = Buffer.concat([Buffer.alloc(MODULUS - MESSAGE.length), MESSAGE]);
    expect(publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature)).toEqual(block);
    await init(opened, 'C_VerifyInit', plain(ck.CKM_RSA_X_509), signing.pub);
    await program.client.call('C_Verify', session, MESSAGE, signature);
    await init(opened, 'C_SignInit', plain(ck.CKM_RSA_X_509), signing.priv);
    await expectValue(program.client.call('C_Sign', session, Buffer.alloc(MODULUS, 0xff), 1_024), ck.CKR_DATA_INVALID);
    await init(opened, 'C_SignRecoverInit', plain(ck.CKM_RSA_PKCS), signing.priv);
    await expectValue(program.client.call('C_Sign', session, MESSAGE, 1_024), ck.CKR_OPERATION_NOT_INITIALIZED);
    const recoverable = await program.bytes('C_SignRecover', session, MESSAGE, 1_024);
    await init(opened, 'C_VerifyRecoverInit', plain(ck.CKM_RSA_PKCS), signing.pub);
    expect(await program.length('C_VerifyRecover', session, recoverable, 3)).toBe(MESSAGE.length);
    expect(Buffer.from(await program.bytes('C_VerifyRecover', session, recoverable, 1_024))).toEqual(Buffer.from(MESSAGE));
    await init(opened, 'C_VerifyRecoverInit', plain(ck.CKM_RSA_PKCS), signing.pub);
    await expectValue(program.client.call('C_VerifyRecover', session, Buffer.alloc(MODULUS, 1), 1_024), ck.CKR_SIGNATURE_INVALID);
  });

  it.each([
    ['sha1', ck.CKM_SHA1_RSA_PKCS, ck.CKM_SHA1_RSA_PKCS_PSS, ck.CKM_SHA_1, ck.CKG_MGF1_SHA1, 0],
    ['sha224', ck.CKM_SHA224_RSA_PKCS, ck.CKM_SHA224_RSA_PKCS_PSS, ck.CKM_SHA224, ck.CKG_MGF1_SHA224, 28],
    ['sha256', ck.CKM_SHA256_RSA_PKCS, ck.CKM_SHA256_RSA_PKCS_PSS, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 32],
    ['sha384', ck.CKM_SHA384_RSA_PKCS, ck.CKM_SHA384_RSA_PKCS_PSS, ck.CKM_SHA384, ck.CKG_MGF1_SHA384, 11],
    ['sha512', ck.CKM_SHA512_RSA_PKCS, ck.CKM_SHA512_RSA_PKCS_PSS, ck.CKM_SHA512, ck.CKG_MGF1_SHA512, 126],
  ] as const)('signs whole messages by %s, in parts too, by two paddings', async (hash, pkcs1, pss, digest, mgf, saltLength) => {
    await using opened = await open(kind);
    const { program, session, signing } = opened;
    const key = await publicKeyOf(opened, signing.pub);
    for (const [mechanism, options] of [
      [plain(pkcs1), { padding: constants.RSA_PKCS1_PADDING }],
      [numbers(pss, digest, mgf, saltLength), { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }],
    ] as const) {
      await init(opened, 'C_SignInit', mechanism, signing.priv);
      const signature = await run(opened, 'Sign', LONG, 999);
      expect(
        createVerify(hash)
          .update(LONG)
          .verify({ key, ...options }, signature),
      ).toBe(true);
      await init(opened, 'C_VerifyInit', mechanism, signing.pub);
      await program.client.call('C_VerifyUpdate', session, LONG.subarray(0, 4_000));
      await program.client.call('C_VerifyUpdate', session, LONG.subarray(4_000));
      await program.client.call('C_VerifyFinal', session, signature);
      await init(opened, 'C_VerifyInit', mechanism, signing.pub);
      await expectValue(program.client.call('C_Verify', session, MESSAGE, signature), ck.CKR_SIGNATURE_INVALID);
    }
  });

  it('unwraps keys of a cipher, and of any length', async () => {
    await using opened = await open(kind);
    const { program, session, encryption } = opened;
    const key = await publicKeyOf(opened, encryption.pub);
    const wrap = (value: Uint8Array): Buffer => publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, value);
    const unwrap = async (value: Uint8Array, type: number): Promise<Buffer> => {
      const template = [[ck.CKA_KEY_TYPE, type]] as const;
      const [made] = await program.client.call(
        'C_UnwrapKey',
        session,
        plain(ck.CKM_RSA_PKCS),
        encryption.priv,
        wrap(value),
        template,
      );
      return Buffer.from(await program.attribute(session, Number(made), ck.CKA_VALUE));
    };
    const [aes, other] = [randomBytes(32), randomBytes(17)];
    expect(await unwrap(aes, ck.CKK_AES)).toEqual(aes);
    expect(await unwrap(other, ck.CKK_GENERIC_SECRET)).toEqual(other);
    await expectValue(unwrap(other, ck.CKK_AES), ck.CKR_WRAPPED_KEY_INVALID);
    const short = program.client.call('C_UnwrapKey', session, plain(ck.CKM_RSA_PKCS), encryption.priv, aes, []);
    await expectValue(short, ck.CKR_WRAPPED_KEY_LEN_RANGE);
    const raw = program.client.call('C_UnwrapKey', session, plain(ck.CKM_RSA_X_509), encryption.priv, wrap(aes), []);
    await expectValue(raw, ck.CKR_MECHANISM_INVALID);
  });
});

describe('parameters of PSS', () => {
  it.each([
    ['a mask by another hash', [ck.CKM_SHA256, ck.CKG_MGF1_SHA1, 32]],
    ['a salt longer than the key', [ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 223]],
    ['a salt without end', [ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 2 ** 52]],
    ['another hash than the mechanism has', [ck.CKM_SHA384, ck.CKG_MGF1_SHA384, 48]],
    ['a hash that there is not', [0x4711, ck.CKG_MGF1_SHA256, 32]],
  ] as const)('are refused: %s', async (_, values) => {
    await using opened = await open();
    const mechanism = numbers(ck.CKM_SHA256_RSA_PKCS_PSS, ...values);
    await expectValue(init(opened, 'C_SignInit', mechanism, opened.signing.priv), ck.CKR_MECHANISM_PARAM_INVALID);
    await expectValue(init(opened, 'C_VerifyInit', mechanism, opened.signing.pub), ck.CKR_MECHANISM_PARAM_INVALID);
  });
});

describe('a digest', () => {
  it.each([
    ['sha1', ck.CKM_SHA_1],
    ['sha224', ck.CKM_SHA224],
    ['sha256', ck.CKM_SHA256],
    ['sha384', ck.CKM_SHA384],
    ['sha512', ck.CKM_SHA512],
  ] as const)('by %s is right, whole and in parts', async (name, type) => {
    await using opened = await open();
    const { program, session } = opened;
    const right = createHash(name).update(LONG).digest();
    for (const pieceLength of [undefined, 777]) {
      await program.client.call('C_DigestInit', session, plain(type));
      expect(await run(opened, 'Digest', LONG, pieceLength)).toEqual(right);
    }
    await program.client.call('C_DigestInit', session, plain(type));
    expect(await program.length('C_Digest', session, LONG, null)).toBe(right.length);
    expect(await program.length('C_Digest', session, LONG, 3)).toBe(right.length);
    expect(Buffer.from(await program.bytes('C_Digest', session, LONG, right.length))).toEqual(right);
  });
});

describe('operations out of their order', () => {
  it('are refused by the values of the standard', async () => {
    await using opened = await open();
    const { program, session, signing, encryption } = opened;
    const { client } = program;
    const pkcs1 = plain(ck.CKM_RSA_PKCS);
    for (const [name, mechanism, key] of [
      ['C_SignInit', pkcs1, signing.priv],
      ['C_VerifyInit', pkcs1, signing.pub],
      ['C_VerifyRecoverInit', pkcs1, signing.pub],
      ['C_EncryptInit', pkcs1, encryption.pub],
      ['C_DecryptInit', pkcs1, encryption.priv],
      ['C_DigestInit', plain(ck.CKM_SHA256), 0],
    ] as const) {
      await client.call(name, session, mechanism, key);
      await expectValue(client.call(name, session, mechanism, key), ck.CKR_OPERATION_ACTIVE);
      await client.call(name, session, NULL_MECHANISM, key);
      await client.call(name, session, mechanism, key);
    }
    await client.call('C_SessionCancel', session, 0xff_ff_ff_ff);
    for (const [name, ...args] of [
      ['C_Sign', MESSAGE, 1_024],
      ['C_SignUpdate', MESSAGE],
      ['C_SignFinal', 1_024],
      ['C_SignRecover', MESSAGE, 1_024],
      ['C_Verify', MESSAGE, MESSAGE],
      ['C_VerifyUpdate', MESSAGE],
      ['C_VerifyFinal', MESSAGE],
      ['C_VerifyRecover', MESSAGE, 1_024],
      ['C_Encrypt', MESSAGE, 1_024],
      ['C_EncryptUpdate', MESSAGE, 1_024],
      ['C_EncryptFinal', 1_024],
      ['C_Decrypt', MESSAGE, 1_024],
      ['C_DecryptUpdate', MESSAGE, 1_024],
      ['C_DecryptFinal', 1_024],
      ['C_Digest', MESSAGE, 1_024],
      ['C_DigestUpdate', MESSAGE],
      ['C_DigestKey', signing.pub],
      ['C_DigestFinal', 1_024],
    ] as const)
      await expectValue(client.call(name, session, ...args), ck.CKR_OPERATION_NOT_INITIALIZED);
  });

  it('of parts and wholes are told apart', async () => {
    await using opened = await open();
    const { program, session, signing, encryption } = opened;
    const { client } = program;
    for (const [init, update, whole, mechanism, key] of [
      ['C_SignInit', 'C_SignUpdate', 'C_Sign', ck.CKM_SHA256_RSA_PKCS, signing.priv],
      ['C_VerifyInit', 'C_VerifyUpdate', 'C_Verify', ck.CKM_SHA256_RSA_PKCS, signing.pub],
      ['C_EncryptInit', 'C_EncryptUpdate', 'C_Encrypt', ck.CKM_RSA_PKCS, encryption.pub],
      ['C_DecryptInit', 'C_DecryptUpdate', 'C_Decrypt', ck.CKM_RSA_PKCS, encryption.priv],
      ['C_DigestInit', 'C_DigestUpdate', 'C_Digest', ck.CKM_SHA256, 0],
    ] as const) {
      await client.call(init, session, plain(mechanism), key);
      await client.call(update, session, MESSAGE, 1_024);
      await expectValue(client.call(whole, session, MESSAGE, whole === 'C_Verify' ? MESSAGE : 1_024), ck.CKR_OPERATION_ACTIVE);
      await expectValue(client.call(update, session, MESSAGE, 1_024), ck.CKR_OPERATION_NOT_INITIALIZED);
    }
  });

  it('that nothing here does are not supported', async () => {
    await using opened = await open();
    const { program, session, signing } = opened;
    const { client } = program;
    for (const [name, ...args] of [
      ['C_GetOperationState', 1_024],
      ['C_DigestEncryptUpdate', MESSAGE, 1_024],
      ['C_SignEncryptUpdate', MESSAGE, 1_024],
      ['C_MessageSignInit', plain(ck.CKM_RSA_PKCS), signing.priv],
      ['C_MessageEncryptInit', plain(ck.CKM_RSA_PKCS), signing.pub],
      ['C_WrapKey', plain(ck.CKM_RSA_PKCS), signing.pub, signing.pub, 1_024],
      ['C_GenerateKey', plain(0x1080), []],
    ] as const)
      await expectValue(client.call(name, session, ...args), ck.CKR_FUNCTION_NOT_SUPPORTED);
    await client.call('C_DigestInit', session, plain(ck.CKM_SHA256));
    await expectValue(client.call('C_DigestKey', session, signing.pub), ck.CKR_KEY_INDIGESTIBLE);
  });
});

describe('what C_GetMechanismInfo says', () => {
  it.each(['piv', 'eid'] as const)('is what the keys of the token do (%s)', async (kind) => {
    await using opened = await open(kind);
    const { program } = opened;
    const [slot = 0] = await program.slots();
    const info = async (type: number): Promise<readonly number[]> =>
      (await program.client.call('C_GetMechanismInfo', slot, type)).map(Number);
    const signs = ck.CKF_SIGN | ck.CKF_VERIFY;
    const recovers = ck.CKF_SIGN_RECOVER | ck.CKF_VERIFY_RECOVER;
    const encrypts = ck.CKF_ENCRYPT | ck.CKF_DECRYPT;
    expect(await info(ck.CKM_RSA_PKCS)).toEqual([2_048, 2_048, ck.CKF_HW | signs | recovers | encrypts | ck.CKF_UNWRAP]);
    expect(await info(ck.CKM_RSA_X_509)).toEqual([2_048, 2_048, ck.CKF_HW | signs | recovers | encrypts]);
    expect(await info(ck.CKM_RSA_PKCS_OAEP)).toEqual([2_048, 2_048, ck.CKF_HW | encrypts | ck.CKF_UNWRAP]);
    expect(await info(ck.CKM_SHA512_RSA_PKCS_PSS)).toEqual([2_048, 2_048, signs]);
    expect(await info(ck.CKM_SHA224)).toEqual([0, 0, ck.CKF_DIGEST]);
    await expectValue(info(ck.CKM_ECDH1_DERIVE), ck.CKR_MECHANISM_INVALID);
    await expectValue(info(ck.CKM_ECDSA), ck.CKR_MECHANISM_INVALID);
  });
});

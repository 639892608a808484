/** What programs ask for when they change cards: templates as real programs send them, and cards with room for what is made. */
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { expect } from 'vitest';
import { createEidCard, type EidCardDescription, type SimulatedEidCard } from '../../drivers/simulated/cards/eid.ts';
import type { PivCardOptions } from '../../drivers/simulated/cards/piv.ts';
import { openBench, watchedPivCard, WatchedCard, type Bench, type WatchedPivCard } from '../api/support.ts';
import { ck, SERIAL, Program } from './program.ts';
import type { Template } from './rpc-client.ts';

export const READ_WRITE = SERIAL | ck.CKF_RW_SESSION;
export const CURVE = { 'P-256': '06082a8648ce3d030107', 'P-384': '06052b81040022' } as const;
export const FACTORY_KEY = '010203040506070801020304050607080102030405060708';
export const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

export interface KeyWish {
  readonly kind: 'P-256' | 'P-384' | 'RSA-2048';
  readonly id?: string;
  /** Instead of the usual, to sign and to decrypt or derive. */
  readonly flags?: Template;
}

/** As pkcs11-tool asks for one. */
export async function generate(
  program: Program,
  session: number,
  { kind, id, flags }: KeyWish,
): Promise<readonly [number, number]> {
  const isRsa = kind.startsWith('RSA');
  const named: Template = id === undefined ? [] : [[ck.CKA_ID, bytes(id)]];
  const usage: Template = flags ?? [
    [ck.CKA_SIGN, true],
    [isRsa ? ck.CKA_DECRYPT : ck.CKA_DERIVE, true],
  ];
  const material: Template = isRsa
    ? [
        [ck.CKA_MODULUS_BITS, Number(kind.slice(4))],
        [ck.CKA_PUBLIC_EXPONENT, bytes('010001')],
      ]
    : [[ck.CKA_EC_PARAMS, bytes(CURVE[kind === 'P-384' ? 'P-384' : 'P-256'])]];
  return await generateBy(program, session, {
    type: isRsa ? ck.CKM_RSA_PKCS_KEY_PAIR_GEN : ck.CKM_EC_KEY_PAIR_GEN,
    ofPublic: [[ck.CKA_CLASS, ck.CKO_PUBLIC_KEY], [ck.CKA_TOKEN, true], [ck.CKA_VERIFY, true], ...material, ...named],
    ofPrivate: [[ck.CKA_CLASS, ck.CKO_PRIVATE_KEY], [ck.CKA_TOKEN, true], [ck.CKA_PRIVATE, true], ...usage, ...named],
  });
}

export async function generateBy(
  program: Program,
  session: number,
  { type, ofPublic, ofPrivate }: { readonly type: number; readonly ofPublic: Template; readonly ofPrivate: Template },
): Promise<readonly [number, number]> {
  const [publicKey, privateKey] = await program.client.call('C_GenerateKeyPair', session, { type }, ofPublic, ofPrivate);
  return [Number(publicKey), Number(privateKey)];
}

/** DER in base64. */
export async function writeCertificate(
  program: Program,
  session: number,
  ...[der, more = []]: [string, Template?]
): Promise<number> {
  const template: Template = [
    [ck.CKA_CLASS, ck.CKO_CERTIFICATE],
    [ck.CKA_TOKEN, true],
    [ck.CKA_CERTIFICATE_TYPE, ck.CKC_X_509],
    [ck.CKA_VALUE, new Uint8Array(Buffer.from(der, 'base64'))],
    ...more,
  ];
  const [handle] = await program.client.call('C_CreateObject', session, template);
  return Number(handle);
}

export async function publicKeyAt(program: Program, session: number, object: number): Promise<KeyObject> {
  const der = await program.attribute(session, object, ck.CKA_PUBLIC_KEY_INFO);
  return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
}

export async function idAt(program: Program, session: number, object: number): Promise<string> {
  return Buffer.from(await program.attribute(session, object, ck.CKA_ID)).toString('hex');
}

/** With the key itself, on the card; logged in. */
export async function expectSigns(
  program: Program,
  session: number,
  [publicKey, privateKey]: readonly [number, number],
): Promise<void> {
  const key = await publicKeyAt(program, session, publicKey);
  const data = new TextEncoder().encode('made by a program');
  const isRsa = key.asymmetricKeyType === 'rsa';
  const type = isRsa ? ck.CKM_SHA256_RSA_PKCS : ck.CKM_ECDSA_SHA256;
  const signature = await program.sign(session, privateKey, { mechanism: { type }, data });
  expect(verify('sha256', data, { key, ...(isRsa ? {} : { dsaEncoding: 'ieee-p1363' }) }, signature)).toBe(true);
}

export interface BlankDesk extends AsyncDisposable {
  readonly bench: Bench;
  readonly card: WatchedPivCard;
  program(): Promise<Program>;
}

/** A PIV card without keys. */
export async function openBlankDesk(
  card: PivCardOptions = {},
  options: Parameters<typeof openBench>[0] = {},
): Promise<BlankDesk> {
  const { bench, resources } = await openWith(options);
  const blank = watchedPivCard({ serialNumber: 4_712, ...card });
  await bench.insert(blank);
  return {
    bench,
    card: blank,
    program: async () => resources.use(await Program.open(bench)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

export const EID_PINS = { legitimering: '137946', underskrift: '964731', puk: '12345679' };

export interface EidDesk extends AsyncDisposable {
  readonly bench: Bench;
  readonly card: WatchedCard<SimulatedEidCard>;
  program(): Promise<Program>;
}

/** An e-ID card with a place more for each kind of key. */
export async function openEidDesk(card: EidCardDescription, options: Parameters<typeof openBench>[0] = {}): Promise<EidDesk> {
  const { bench, resources } = await openWith(options);
  const held = new WatchedCard(createEidCard({ pins: EID_PINS, ...card }));
  await bench.insert(held);
  return {
    bench,
    card: held,
    program: async () => resources.use(await Program.open(bench)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function openWith(options: Parameters<typeof openBench>[0]): Promise<{ bench: Bench; resources: AsyncDisposableStack }> {
  await using undo = new AsyncDisposableStack();
  const bench = undo.use(await openBench(options));
  return { bench, resources: undo.move() };
}

/** What programs did to cards, with what became of it, the earliest first. */
export async function actsOf({ bench }: { readonly bench: Bench }): Promise<readonly string[]> {
  const client = await bench.client();
  const { records } = await client.call('audit.list', {});
  return records
    .filter(({ method }) => method.startsWith('pkcs11.') && method !== 'pkcs11.login' && method !== 'pkcs11.sign')
    .map(({ method, outcome }) => `${method} ${outcome}`);
}

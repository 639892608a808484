/**
 * What every Token promises, whatever its card and the way to it. A bench says as data what its token holds and what it lacks: what it lacks is tested to be
 * lacking, so that nothing is left out unseen.
 */
import {
  constants,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  publicDecrypt,
  verify,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  AlgorithmNotSupportedError,
  CardError,
  KeyNotFoundError,
  ObjectNotFoundError,
  PinBlockedError,
  PinFormatError,
  PinRejectedError,
  SecurityStatusError,
} from '../../apdu/errors.ts';
import { SIGNATURE_SCHEMES, fitsKey } from '../../apdu/signature-encoding.ts';
import type { KeyAlgorithm, PinReference, RsaKeyAlgorithm, SignatureAlgorithm, Token, TokenKey } from '../../apdu/token.ts';
import { verifyOptions } from '../../daemon/signing/verify-options.ts';
import { secret } from './card-desk.ts';
import { certify, type TestKey } from './test-keys.ts';

/** A token that was just made: nothing of an earlier test is in it. */
export interface TokenBench extends AsyncDisposable {
  /** One transaction, or one session: what was verified in it does not outlive it. */
  use<R>(work: (token: Token) => Promise<R>): Promise<R>;
  /** How many commands the token has had so far. Absent where that cannot be seen. */
  readonly commands?: () => number;
}

export const ABILITIES = [
  'sign several at once',
  'sign what is padded',
  'change PIN',
  'unblock PIN',
  'generate key',
  'write certificate',
  'add certificate',
  'delete certificate',
  'delete key',
] as const;
export type Ability = (typeof ABILITIES)[number];

/** What the token cannot do: it has no such member, or the error that tells of it when it is tried. */
export type Lacks = Partial<
  Readonly<Record<Ability, 'absent' | 'DeviceError' | 'NotSupportedByCardError' | 'SecurityStatusError'>>
>;

export interface KeyFacts {
  readonly keyReference: string;
  readonly algorithm: KeyAlgorithm;
  /** A certificate of the key is on the token. */
  readonly isCertified: boolean;
  /** Algorithms that fit the key, and that the token does not do all the same. */
  readonly lacks?: readonly SignatureAlgorithm[];
  /** As it shows at the latest when the key was used. */
  readonly wantsPinEachTime?: boolean;
}

export interface PinFacts {
  readonly reference: PinReference;
  readonly value: string;
  /** Of the right form, and not the right one. */
  readonly wrong: string;
  /** Of a form that is never sent. */
  readonly malformed: string;
  /** Wrong entries that block it. Absent for one that never blocks. */
  readonly attempts?: number;
  /** The most tries that the token tells of: 1 where it says no more than "final try". Absent where it tells any number. */
  readonly mostTold?: number;
  /** Present where the token can unblock the PIN. */
  readonly puk?: PukFacts;
}

export interface PukFacts {
  readonly reference: PinReference;
  readonly value: string;
  readonly wrong: string;
  /** Absent where wrong entries cost it nothing that the token would tell. */
  readonly attempts?: number;
}

export interface TokenFacts {
  readonly keys: readonly KeyFacts[];
  /** Every PIN, the one that the first key wants first. */
  readonly pins: readonly PinFacts[];
  readonly unknownKey: string;
  readonly unknownPin: PinReference;
  readonly lacks: Lacks;
  /** `Token.key` tells of a key without a certificate too. */
  readonly tellsKeys: boolean;
  /** The key that management is tried on, and a private key to certify for it. */
  readonly managed: { readonly keyReference: string; readonly algorithm: KeyAlgorithm };
  /** Gets the right to change the key, or its certificates, for this session. */
  readonly authorize: (token: Token, what: 'key' | 'certificate') => Promise<void>;
}

export interface TokenUnderTest {
  readonly facts: TokenFacts;
  readonly open: () => Promise<TokenBench>;
}

const MESSAGE = 'what a token signs must verify anywhere';
const SEVERAL = 20;
const DEADLINE_MS = 20_000;

/** Of a PIN that never blocks: so many wrong entries in a row. */
const MANY = 12;

/** What the token tells when so many tries are left: nothing, of a PIN that has no end of them. */
function told({ attempts, mostTold = Infinity }: PinFacts, used = 0): number | undefined {
  const left = attempts === undefined ? Infinity : attempts - used;
  return left <= mostTold && left < Infinity ? left : undefined;
}

/** The tries that a refusal tells of. */
async function triesAfter(refused: Promise<void>): Promise<number | undefined> {
  try {
    await refused;
  } catch (error) {
    if (error instanceof CardError) return error.attemptsRemaining;
    throw error;
  }
  throw new Error('it was not refused');
}

const valueOf = ({ facts }: TokenUnderTest, reference: PinReference): string =>
  facts.pins.find((pin) => pin.reference === reference)?.value ?? '';

export function describeToken(name: string, under: TokenUnderTest): void {
  describe(`the token ${name}`, () => {
    describeContents(under);
    describePins(under);
    describeSigning(under);
    describeManagement(under);
  });
}

/** Runs `work` in one session with a new token. */
async function withToken<R>({ open }: TokenUnderTest, work: (token: Token, bench: TokenBench) => Promise<R>): Promise<R> {
  await using bench = await open();
  return await bench.use((token) => work(token, bench));
}

function describeContents(under: TokenUnderTest): void {
  const { facts } = under;

  it('tells its keys and certificates, twice the same', async () => {
    await withToken(under, async (token) => {
      const { keys, certificates } = await token.contents();
      expect(await token.contents()).toMatchObject({ keys, certificates });
      for (const { keyReference, algorithm, isCertified } of facts.keys) {
        const own = certificates.filter((certificate) => certificate.keyReference === keyReference);
        expect(own.length > 0, keyReference).toBe(isCertified);
        const key = keys.find((one) => one.keyReference === keyReference);
        if (!isCertified && !facts.tellsKeys) continue;
        expect(key, keyReference).toMatchObject({ keyReference, algorithm });
        expect(key?.label).not.toBe('');
        const [first] = own;
        if (first)
          expect(Buffer.from(key?.publicKey ?? [])).toEqual(
            new X509Certificate(first.der).publicKey.export({ type: 'spki', format: 'der' }),
          );
      }
    });
  });

  it('tells of one key what it tells of all', async () => {
    await withToken(under, async (token) => {
      const { keys } = await token.contents();
      for (const { keyReference } of facts.keys) {
        const told = await token.key(keyReference);
        if (!facts.tellsKeys) {
          expect(told).toBeUndefined();
          continue;
        }
        const { usage, pin, pinPolicy } = keys.find((key) => key.keyReference === keyReference) ?? {};
        expect(told).toMatchObject({ keyReference, usage, pin, pinPolicy });
      }
    });
  });

  it('has no key of another name', async () => {
    await withToken(under, async (token) => {
      await expect(token.key(facts.unknownKey)).rejects.toThrow(KeyNotFoundError);
      const key = { keyReference: facts.unknownKey, algorithm: 'RSA-2048' } as const;
      await expect(token.sign(key, 'RS256', digestFor('RS256'))).rejects.toThrow(KeyNotFoundError);
    });
  });
}

function describePins(under: TokenUnderTest): void {
  const { facts } = under;

  it('tells its PINs with the tries that it can tell, and uses none', async () => {
    await withToken(under, async (token) => {
      const pins = await token.pins();
      for (const facts of under.facts.pins) {
        const { reference, value } = facts;
        for (const pin of [pins.find((one) => one.reference === reference), await token.pin(reference)]) {
          expect(pin).toMatchObject({ reference, kind: 'pin', verified: false });
          expect(pin?.attemptsRemaining).toBe(told(facts));
          expect(pin?.minLength).toBeLessThanOrEqual(value.length);
          expect(pin?.maxLength).toBeGreaterThanOrEqual(value.length);
        }
      }
    });
  });

  it('has no PIN of another name', async () => {
    await withToken(under, async (token) => {
      await expect(token.pin(facts.unknownPin)).rejects.toThrow(ObjectNotFoundError);
      await expect(token.verifyPin(facts.unknownPin, secret('123456'))).rejects.toThrow(ObjectNotFoundError);
    });
  });

  describe.each(facts.pins)('PIN $reference', (pin) => {
    const { reference, value, wrong, malformed, attempts } = pin;
    const left = async (token: Token): Promise<number | undefined> => (await token.pin(reference)).attemptsRemaining;

    it('is verified for this session alone', async () => {
      await using bench = await under.open();
      await bench.use(async (token) => {
        await token.verifyPin(reference, secret(value));
        expect((await token.pin(reference)).verified).toBe(true);
      });
      expect((await bench.use((token) => token.pin(reference))).verified).toBe(false);
    });

    it('that is wrong verifies nothing, and takes back what was verified', async () => {
      await withToken(under, async (token) => {
        await token.verifyPin(reference, secret(value));
        const refused = token.verifyPin(reference, secret(wrong));
        await expect(refused).rejects.toThrow(PinRejectedError);
        expect(await triesAfter(refused)).toBe(told(pin, 1));
        expect(await left(token)).toBe(told(pin, 1));
        expect((await token.pin(reference)).verified).toBe(false);
      });
    });

    if (attempts === undefined)
      it('never blocks, however often it is wrong', async () => {
        await withToken(under, async (token) => {
          for (let used = 0; used < MANY; used++)
            await expect(token.verifyPin(reference, secret(wrong))).rejects.toThrow(PinRejectedError);
          await token.verifyPin(reference, secret(value));
          expect(await left(token)).toBeUndefined();
        });
      });
    else
      it('that is wrong costs a try, down to none; a right one gives them back', async () => {
        await withToken(under, async (token) => {
          await expect(token.verifyPin(reference, secret(wrong))).rejects.toThrow(PinRejectedError);
          await token.verifyPin(reference, secret(value));
          for (let used = 1; used <= attempts; used++) {
            const refused = token.verifyPin(reference, secret(wrong));
            await expect(refused).rejects.toThrow(CardError);
            expect(await triesAfter(refused)).toBe(told(pin, used));
          }
          await expect(token.verifyPin(reference, secret(value))).rejects.toThrow(PinBlockedError);
          expect(await left(token)).toBe(0);
        });
      });

    it('of an impossible form is never sent', async () => {
      await withToken(under, async (token, bench) => {
        await token.pin(reference); // whatever is read of the token is read by now
        const before = bench.commands?.();
        await expect(token.verifyPin(reference, secret(malformed))).rejects.toThrow(PinFormatError);
        expect(bench.commands?.()).toBe(before);
        expect(await left(token)).toBe(told(pin));
      });
    });

    describePinChange(under, pin);
    describePinUnblock(under, pin);
  });
}

function describePinChange(under: TokenUnderTest, pin: PinFacts): void {
  const { reference, value, wrong, malformed } = pin;
  const lack = under.facts.lacks['change PIN'];
  if (lack) {
    it('cannot be changed', async () => {
      await withToken(under, (token) =>
        expect(token.changePin(reference, secret(value), secret(wrong))).rejects.toMatchObject({ name: lack }),
      );
    });
    return;
  }

  it('is changed by the one that it was, which is then wrong', async () => {
    await withToken(under, async (token) => {
      await expect(token.changePin(reference, secret(wrong), secret(value))).rejects.toThrow(PinRejectedError);
      expect((await token.pin(reference)).attemptsRemaining).toBe(told(pin, 1));
      await expect(token.changePin(reference, secret(value), secret(malformed))).rejects.toThrow(PinFormatError);
      await token.changePin(reference, secret(value), secret(wrong));
      await expect(token.verifyPin(reference, secret(value))).rejects.toThrow(PinRejectedError);
      await token.verifyPin(reference, secret(wrong));
    });
  });
}

function describePinUnblock(under: TokenUnderTest, { reference, value, wrong, attempts, puk }: PinFacts): void {
  const lack = under.facts.lacks['unblock PIN'];
  if (lack || !puk) {
    it('cannot be unblocked', async () => {
      expect(puk).toBeUndefined();
      await withToken(under, async (token) => {
        await expect(token.unblockPin(reference, secret('12345678'), secret(wrong))).rejects.toMatchObject({ name: lack });
        await token.verifyPin(reference, secret(value));
      });
    });
    return;
  }

  const isBlocking = attempts !== undefined;
  it(`${isBlocking ? 'that is blocked' : 'that is forgotten'} is set anew by its PUK, and by no other`, async () => {
    await withToken(under, async (token) => {
      for (let used = 0; used < (attempts ?? 1); used++)
        await expect(token.verifyPin(reference, secret(wrong))).rejects.toThrow(CardError);
      const blocked = (await token.pin(reference)).attemptsRemaining;
      expect(blocked).toBe(isBlocking ? 0 : undefined);
      const refused = token.unblockPin(reference, secret(puk.wrong), secret(wrong));
      await expect(refused).rejects.toThrow(PinRejectedError);
      const ofPuk = await triesAfter(refused);
      expect(ofPuk).toBe(puk.attempts === undefined ? undefined : puk.attempts - 1);
      expect((await token.pin(reference)).attemptsRemaining).toBe(blocked);
      await token.unblockPin(reference, secret(puk.value), secret(wrong));
      await expect(token.verifyPin(reference, secret(value))).rejects.toThrow(PinRejectedError);
      await token.verifyPin(reference, secret(wrong));
    });
  });
}

function digestFor(algorithm: SignatureAlgorithm, message = MESSAGE): Uint8Array {
  return new Uint8Array(createHash(SIGNATURE_SCHEMES[algorithm].hash).update(message).digest());
}

function isSigned(algorithm: SignatureAlgorithm, key: KeyObject, signature: Uint8Array, message = MESSAGE): boolean {
  const { hash, ...options } = verifyOptions(algorithm, key);
  return verify(hash, Buffer.from(message), options, signature);
}

/** The key as the token tells it, or as its facts and its PIN have it. */
async function knownKey(
  token: Token,
  { keyReference, algorithm }: KeyFacts,
): Promise<Pick<TokenKey, 'pin' | 'pinPolicy' | 'publicKey'> & { keyReference: string; algorithm: KeyAlgorithm }> {
  const { keys } = await token.contents();
  const key = keys.find((one) => one.keyReference === keyReference);
  if (!key) throw new Error(`the token does not tell of key ${keyReference}`);
  return { ...key, ...(await token.key(keyReference)), keyReference, algorithm };
}

function describeSigning(under: TokenUnderTest): void {
  const { facts } = under;
  const names = Object.keys(SIGNATURE_SCHEMES) as SignatureAlgorithm[];
  const certified = facts.keys.filter(({ isCertified }) => isCertified);

  describe.each(certified)('key $keyReference ($algorithm)', (key) => {
    const does = (algorithm: SignatureAlgorithm): boolean =>
      fitsKey(algorithm, key.algorithm) && key.lacks?.includes(algorithm) !== true;

    it.each(names.filter(does))('signs by %s', async (algorithm) => {
      await withToken(under, async (token) => {
        const known = await knownKey(token, key);
        await token.verifyPin(known.pin, secret(valueOf(under, known.pin)));
        const signature = await token.sign(known, algorithm, digestFor(algorithm));
        const publicKey = createPublicKey({ key: Buffer.from(known.publicKey ?? []), format: 'der', type: 'spki' });
        expect(isSigned(algorithm, publicKey, signature)).toBe(true);
      });
    });

    it.each(names.filter((algorithm) => !does(algorithm)))('does not sign by %s, and says so', async (algorithm) => {
      await withToken(under, async (token) => {
        const known = await knownKey(token, key);
        await token.verifyPin(known.pin, secret(valueOf(under, known.pin)));
        await expect(token.sign(known, algorithm, digestFor(algorithm))).rejects.toThrow(AlgorithmNotSupportedError);
      });
    });

    it('does not sign without its PIN, nor a second time where it wants it each time', async () => {
      await withToken(under, async (token) => {
        const known = await knownKey(token, key);
        const [algorithm = 'RS256'] = names.filter(does);
        const sign = (): Promise<Uint8Array> => token.sign(known, algorithm, digestFor(algorithm));
        if (known.pinPolicy === 'never') {
          await sign();
          return;
        }
        await expect(sign()).rejects.toThrow(CardError);
        await token.verifyPin(known.pin, secret(valueOf(under, known.pin)));
        await sign();
        expect((await knownKey(token, key)).pinPolicy).toBe(key.wantsPinEachTime ? 'always' : 'once');
        if (key.wantsPinEachTime) await expect(sign()).rejects.toThrow(CardError);
        else await sign();
      });
    });

    it('signs nothing of another length than its digests have', async () => {
      await withToken(under, async (token) => {
        const known = await knownKey(token, key);
        await token.verifyPin(known.pin, secret(valueOf(under, known.pin)));
        const [algorithm = 'RS256'] = names.filter(does);
        await expect(token.sign(known, algorithm, new Uint8Array(5))).rejects.toThrow(AlgorithmNotSupportedError);
      });
    });

    if (key.algorithm.startsWith('RSA') && !facts.lacks['sign what is padded'])
      it('signs content that it pads as it is, and none that is too long', async () => {
        await withToken(under, async (token) => {
          const known = await knownKey(token, key);
          await token.verifyPin(known.pin, secret(valueOf(under, known.pin)));
          const rsa = key.algorithm as RsaKeyAlgorithm;
          const content = Buffer.from('no DigestInfo at all');
          const tooLong = new Uint8Array(Number(rsa.slice(4)) / 8 - 10);
          await expect(token.signPadded?.(known.keyReference, rsa, tooLong)).rejects.toThrow(AlgorithmNotSupportedError);
          const signature = (await token.signPadded?.(known.keyReference, rsa, content)) ?? content;
          const publicKey = createPublicKey({ key: Buffer.from(known.publicKey ?? []), format: 'der', type: 'spki' });
          expect(publicDecrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, signature)).toEqual(content);
        });
      });

    const [first = 'RS256'] = names.filter(does);
    if (!facts.lacks['sign several at once']) describeSigningOfSeveral(under, key, first);
  });
}

/** Together they come in the order of their digests, and none is made when one of them is impossible. */
function describeSigningOfSeveral(under: TokenUnderTest, key: KeyFacts, algorithm: SignatureAlgorithm): void {
  if (key.wantsPinEachTime) {
    it('signs no several at once, as it wants its PIN for each', async () => {
      await withToken(under, async (token) => {
        const known = await knownKey(token, key);
        await token.verifyPin(known.pin, secret(valueOf(under, known.pin)));
        const digests = [digestFor(algorithm), digestFor(algorithm)];
        const options = { signal: AbortSignal.timeout(DEADLINE_MS), onSigned: () => undefined };
        await expect(token.signAll?.(known, algorithm, digests, options)).rejects.toThrow(SecurityStatusError);
      });
    });
    return;
  }

  it('signs several at once, in their order', async () => {
    await withToken(under, async (token) => {
      const known = await knownKey(token, key);
      await token.verifyPin(known.pin, secret(valueOf(under, known.pin)));
      const digests = Array.from({ length: SEVERAL }, (_, index) => digestFor(algorithm, `document ${index}`));
      const signed: number[] = [];
      const options = { signal: AbortSignal.timeout(DEADLINE_MS), onSigned: (count: number) => void signed.push(count) };
      const signatures = (await token.signAll?.(known, algorithm, digests, options)) ?? [];
      const publicKey = createPublicKey({ key: Buffer.from(known.publicKey ?? []), format: 'der', type: 'spki' });
      for (const [index, signature] of signatures.entries())
        expect(isSigned(algorithm, publicKey, signature, `document ${index}`)).toBe(true);
      expect(signatures).toHaveLength(SEVERAL);
      expect(signed.at(-1)).toBe(SEVERAL);
      signed.length = 0;
      const spoilt = [...digests, new Uint8Array(5)];
      await expect(token.signAll?.(known, algorithm, spoilt, options)).rejects.toThrow(AlgorithmNotSupportedError);
      expect(signed).toEqual([]);
    });
  });
}

function pairOf(algorithm: KeyAlgorithm): TestKey {
  return algorithm === 'P-256' || algorithm === 'P-384'
    ? generateKeyPairSync('ec', { namedCurve: algorithm })
    : generateKeyPairSync('rsa', { modulusLength: Number(algorithm.slice('RSA-'.length)) });
}

async function certificatesOf(token: Token, reference: string): Promise<readonly Buffer[]> {
  const { certificates } = await token.contents();
  return certificates.filter(({ keyReference }) => keyReference === reference).map(({ der }) => Buffer.from(der));
}

/** A use of each ability that the token has a member for. */
function usesOf(
  token: Token,
  { keyReference, algorithm }: TokenFacts['managed'],
  der: Uint8Array,
): Partial<Record<Ability, () => Promise<unknown>>> {
  const { management } = token;
  const options = { signal: AbortSignal.timeout(DEADLINE_MS), onSigned: () => undefined };
  const padded = { 'sign what is padded': async () => await token.signPadded?.(keyReference, 'RSA-2048', der) };
  const signing = {
    'sign several at once': async () => await token.signAll?.({ keyReference, algorithm }, 'RS256', [], options),
  };
  const changing = management && {
    'generate key': () => management.generateKey({ keyReference, algorithm }),
    'write certificate': () => management.writeCertificate(keyReference, der),
    'delete certificate': () => management.deleteCertificate(keyReference),
    ...('addCertificate' in management
      ? { 'add certificate': async () => await management.addCertificate?.(keyReference, der) }
      : {}),
    ...('deleteKey' in management ? { 'delete key': async () => await management.deleteKey?.(keyReference) } : {}),
  };
  return { ...('signAll' in token ? signing : {}), ...('signPadded' in token ? padded : {}), ...changing };
}

function describeManagement(under: TokenUnderTest): void {
  const { facts } = under;
  const { keyReference, algorithm } = facts.managed;
  const has = (ability: Ability): boolean => !facts.lacks[ability];
  const [old, next] = [certify(pairOf('P-256')), certify(pairOf('P-256'), 200)];

  it.each(ABILITIES.filter((ability) => !has(ability) && !ability.endsWith('PIN')))('cannot %s, and says so', async (ability) => {
    await withToken(under, async (token) => {
      const use = usesOf(token, facts.managed, old)[ability];
      if (facts.lacks[ability] === 'absent' || !use) {
        expect(facts.lacks[ability]).toBe('absent');
        expect(use).toBeUndefined();
        return;
      }
      await facts.authorize(token, 'key');
      const { keys, certificates } = await token.contents();
      await expect(use()).rejects.toMatchObject({ name: facts.lacks[ability] });
      expect(await token.contents()).toMatchObject({ keys, certificates });
    });
  });

  if (has('generate key'))
    it('makes a key, which then signs', async () => {
      await using bench = await under.open();
      const publicKey = await bench.use(async (token) => {
        await expect(token.management?.generateKey({ keyReference, algorithm })).rejects.toThrow(CardError);
        await facts.authorize(token, 'key');
        return await token.management?.generateKey({ keyReference, algorithm });
      });
      await bench.use(async (token) => {
        const known = (await token.contents()).keys.find((key) => key.keyReference === keyReference);
        const pin = known?.pin ?? facts.pins[0]?.reference ?? '';
        await token.verifyPin(pin, secret(valueOf(under, pin)));
        const [name = 'RS256'] = (Object.keys(SIGNATURE_SCHEMES) as SignatureAlgorithm[]).filter((one) =>
          fitsKey(one, algorithm),
        );
        const signature = await token.sign({ keyReference, algorithm }, name, digestFor(name));
        const key = createPublicKey({ key: Buffer.from(publicKey ?? []), format: 'der', type: 'spki' });
        expect(isSigned(name, key, signature)).toBe(true);
      });
    });

  if (has('write certificate'))
    it('keeps a certificate that is written, in place of the one before, and not without the right to write it', async () => {
      await using bench = await under.open();
      await bench.use(async (token) => {
        const before = await certificatesOf(token, keyReference);
        await expect(token.management?.writeCertificate(keyReference, old)).rejects.toThrow(CardError);
        expect(await certificatesOf(token, keyReference)).toEqual(before);
        await facts.authorize(token, 'certificate');
        await token.management?.writeCertificate(keyReference, old);
        await token.management?.writeCertificate(keyReference, next);
      });
      expect(await bench.use((token) => certificatesOf(token, keyReference))).toEqual([Buffer.from(next)]);
    });

  if (has('add certificate'))
    it('keeps a further certificate beside the one before, and deletes the one that is meant', async () => {
      await withToken(under, async (token) => {
        await facts.authorize(token, 'certificate');
        await token.management?.writeCertificate(keyReference, old);
        await token.management?.addCertificate?.(keyReference, next);
        expect(await certificatesOf(token, keyReference)).toEqual([Buffer.from(old), Buffer.from(next)]);
        await token.management?.deleteCertificate(keyReference, old);
        expect(await certificatesOf(token, keyReference)).toEqual([Buffer.from(next)]);
      });
    });

  if (has('delete certificate'))
    it('deletes the certificates of a key, once', async () => {
      await withToken(under, async (token) => {
        await facts.authorize(token, 'certificate');
        await token.management?.writeCertificate(keyReference, old);
        await token.management?.deleteCertificate(keyReference);
        expect(await certificatesOf(token, keyReference)).toEqual([]);
        await expect(token.management?.deleteCertificate(keyReference)).rejects.toThrow(ObjectNotFoundError);
      });
    });

  if (has('delete key'))
    it('deletes a key, which then signs no more', async () => {
      await withToken(under, async (token) => {
        await facts.authorize(token, 'key');
        await token.management?.generateKey({ keyReference, algorithm });
        await token.management?.deleteKey?.(keyReference);
        const pin = facts.pins[0];
        if (pin) await token.verifyPin(pin.reference, secret(pin.value));
        await expect(token.sign({ keyReference, algorithm }, 'ES256', digestFor('ES256'))).rejects.toThrow(KeyNotFoundError);
      });
    });
}

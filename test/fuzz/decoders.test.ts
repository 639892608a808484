import { sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { concat, formatHex, parseHex } from '../../apdu/bytes.ts';
import { decodePublicKey } from '../../apdu/cards/piv/keys.ts';
import { readTemplate } from '../../apdu/cards/piv/management-key.ts';
import {
  decodeCertificateObject,
  decodeChuid,
  decodeDiscovery,
  decodeKeyHistory,
  encodeCertificateObject,
} from '../../apdu/cards/piv/objects.ts';
import { CardDataError } from '../../apdu/errors.ts';
import { AtrError, parseAtr } from '../../apdu/iso7816/atr.ts';
import { CommandApduError, parseCommandApdu } from '../../apdu/iso7816/command-apdu.ts';
import { ResponseApduError, parseResponseApdu } from '../../apdu/iso7816/response-apdu.ts';
import { encodeEllipticPublicKey } from '../../apdu/public-key.ts';
import { ecdsaFromDer } from '../../apdu/signature-encoding.ts';
import { TlvError, decodeFirstTlv, decodeTlv, encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { certify, makeEllipticKey, rsa2048Key } from '../cards/test-keys.ts';
import { FUZZ_TIMEOUT_MS, forSeeds, type SeededRandom } from './seeded.ts';

const ROUNDS = 2000;
/** What any one decoding may take at most; a hundred times the usual, for busy machines. */
const MAX_MILLISECONDS = 500;

type ErrorClass = new (...args: never[]) => Error;
interface Decoder {
  readonly name: string;
  readonly decode: (bytes: Uint8Array) => unknown;
  /** The only errors that it may throw. */
  readonly throws: ErrorClass;
  readonly valid: Uint8Array;
  /** RSA and gzip take longer. */
  readonly rounds?: number;
}

const field = (name: 'n' | 'e' | 'x' | 'y', key = rsa2048Key()): Uint8Array =>
  new Uint8Array(Buffer.from(key.publicKey.export({ format: 'jwk' })[name] ?? '', 'base64url'));
const P256 = makeEllipticKey('P-256');
const POINT = concat(Uint8Array.of(0x04), field('x', P256), field('y', P256));
const MODULUS_AND_EXPONENT = concat(encodeTlv(0x81, field('n')), encodeTlv(0x82, field('e')));
const CHUID = parseHex(
  '3019D4E739DA739CED39CE739D836858210842108421C84210C3EB 341000112233445566778899AABBCCDDEEFF 35083230333030313031 3E00 FE00',
);

const DECODERS: readonly Decoder[] = [
  { name: 'parseAtr', decode: parseAtr, throws: AtrError, valid: parseHex('3BFD1300008131FE158073C021C057597562694B657940') },
  { name: 'parseCommandApdu', decode: parseCommandApdu, throws: CommandApduError, valid: parseHex('00CB3FFF055C035FC10200') },
  { name: 'parseResponseApdu', decode: parseResponseApdu, throws: ResponseApduError, valid: parseHex('53009000') },
  { name: 'decodeTlv', decode: decodeTlv, throws: TlvError, valid: CHUID },
  { name: 'decodeFirstTlv', decode: decodeFirstTlv, throws: TlvError, valid: CHUID },
  { name: 'decodeChuid', decode: decodeChuid, throws: CardDataError, valid: CHUID },
  {
    name: 'decodeDiscovery',
    decode: decodeDiscovery,
    throws: CardDataError,
    valid: parseHex('4F0BA0000003080000100001005F2F024000'),
  },
  { name: 'decodeKeyHistory', decode: decodeKeyHistory, throws: CardDataError, valid: parseHex('C10105C20100FE00') },
  {
    ...{ name: 'decodeCertificateObject', decode: decodeCertificateObject, throws: CardDataError },
    valid: encodeCertificateObject(certify(P256)),
  },
  {
    ...{ name: 'decodeCertificateObject of gzip', decode: decodeCertificateObject, throws: CardDataError, rounds: 300 },
    valid: concat(encodeTlv(0x70, gzipSync(certify(P256))), parseHex('710101FE00')),
  },
  {
    ...{
      name: 'decodePublicKey of P-256',
      decode: (bytes) => decodePublicKey('fuzzing', 'P-256', bytes),
      throws: CardDataError,
      rounds: 500,
    },
    valid: encodeTlv(0x7f49, encodeTlv(0x86, POINT)),
  },
  {
    ...{
      name: 'decodePublicKey of RSA-2048',
      decode: (bytes) => decodePublicKey('fuzzing', 'RSA-2048', bytes),
      throws: CardDataError,
    },
    ...{ valid: encodeTlv(0x7f49, MODULUS_AND_EXPONENT), rounds: 500 },
  },
  {
    ...{ name: 'encodeEllipticPublicKey', decode: (bytes) => encodeEllipticPublicKey('P-256', bytes), throws: CardDataError },
    ...{ valid: POINT, rounds: 500 },
  },
  {
    ...{ name: 'ecdsaFromDer', decode: (bytes) => ecdsaFromDer(bytes, 32), throws: CardDataError },
    valid: new Uint8Array(sign('sha256', Buffer.from('x'), P256.privateKey)),
  },
  {
    ...{ name: 'readTemplate', decode: (bytes) => readTemplate('fuzzing', bytes, 0x82), throws: CardDataError },
    valid: encodeTlv(0x7c, encodeTlv(0x82, new Uint8Array(256).fill(0x41))),
  },
];

/** What comes of it: a value or an error of its class, soon, with the input as it was. A failure shows the input, since keys in it are new in each run. */
function expectOrderly({ decode, throws }: Decoder, input: Uint8Array): 'value' | 'error' {
  const before = Buffer.from(input);
  const start = performance.now();
  let result: 'value' | 'error' = 'value';
  try {
    decode(input);
  } catch (error) {
    result = 'error';
    expect(error, formatHex(input)).toBeInstanceOf(throws);
  }
  expect(performance.now() - start, formatHex(input.subarray(0, 4096))).toBeLessThan(MAX_MILLISECONDS);
  expect(Buffer.compare(before, input)).toBe(0);
  return result;
}

/** Short ones often, long ones at times, made of bytes that mean something more often than not. */
function randomInput(random: SeededRandom): Uint8Array {
  const length = random.below(random.pick([4, 40, 300, 3000]));
  const isTlvLike = random.below(2) === 0;
  return Uint8Array.from({ length }, () =>
    isTlvLike ? random.pick([0x00, 0x02, 0x30, 0x53, 0x70, 0x7c, 0x7f, 0x81, 0x82, 0xff]) : random.below(256),
  );
}

describe.each(DECODERS)('$name', (decoder) => {
  const rounds = decoder.rounds ?? ROUNDS;

  it('decodes what is valid', () => {
    expect(expectOrderly(decoder, decoder.valid)).toBe('value');
  });

  it('answers random bytes with a value or its own error', { timeout: FUZZ_TIMEOUT_MS }, async () => {
    await forSeeds({ first: 1, rounds }, (random) => void expectOrderly(decoder, randomInput(random)));
  });

  it(
    'answers damaged valid input with a value or its own error, and some of it with an error',
    { timeout: FUZZ_TIMEOUT_MS },
    async () => {
      const seen = new Set<string>();
      await forSeeds({ first: 100_000, rounds }, (random) => void seen.add(expectOrderly(decoder, random.damage(decoder.valid))));
      expect(seen).toContain('error');
    },
  );

  it('answers every true beginning of valid input with a value or its own error', () => {
    for (let length = 0; length < decoder.valid.length; length++) expectOrderly(decoder, decoder.valid.subarray(0, length));
  });

  it('answers a megabyte of one byte, and objects in objects, with a value or its own error', () => {
    for (const fill of [0x00, 0x30, 0x53, 0x7f, 0x80, 0xff]) expectOrderly(decoder, new Uint8Array(0x10_0000).fill(fill));
    let nested: Uint8Array = decoder.valid;
    for (let depth = 0; depth < 500; depth++) nested = encodeTlv(0x7c, nested);
    expectOrderly(decoder, nested);
  });
});

/** Signatures, deciphering and keys: what the card computes is checked by Node's OpenSSL, with the key in the certificate. */
import { constants, createHash, createPublicKey, publicDecrypt, publicEncrypt, verify, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeTlv, requireTlv } from '../../../../apdu/tlv/ber-tlv.ts';
import { concatBytes, formatHex, parseHex } from '../../bytes.ts';
import type { EidCardOptions } from '../eid.ts';
import { encodeDigestInfo, type HashName } from './private-key.ts';
import { CardUnderTest, pinBlock, publicKeyOf } from './testing.ts';

const MESSAGE = new TextEncoder().encode('what is signed on a card must verify anywhere');
const SIGN = '002a9e9a';

function digest(name: HashName): Uint8Array {
  return new Uint8Array(createHash(name).update(MESSAGE).digest());
}

/** A card whose PINs are both verified. */
function ready(options: EidCardOptions): CardUnderTest {
  const card = new CardUnderTest(options).select();
  const padding = card.card.state().profile === 'myeid' ? 'ff' : '00';
  const [first, second] = card.card.state().profile === 'plain' ? ['81', '82'] : ['01', '02'];
  card.sendAll(
    `002000${first}08${pinBlock('123456', padding)}`,
    `002000${second}08${pinBlock('654321', padding)}`,
    '00a4000c025015',
  );
  return card;
}

function use(card: CardUnderTest, algorithm: string, key = '01'): CardUnderTest {
  expect(card.send(`002241b6068001${algorithm}8401${key}`)).toBe('9000');
  return card;
}

function isValid(name: HashName, key: KeyObject, signature: Uint8Array, options: object = {}): boolean {
  return verify(name, MESSAGE, { key, ...options }, signature);
}

describe('PSO COMPUTE DIGITAL SIGNATURE with RSA', () => {
  const key = publicKeyOf('anna', 'legitimering');

  it('pads a DigestInfo that it is given', async () => {
    const card = use(ready({ persona: 'anna' }), '02');
    for (const name of ['sha256', 'sha384', 'sha512'] as const)
      expect(isValid(name, key, await card.obtain(SIGN, encodeDigestInfo(name, digest(name))))).toBe(true);
  });

  it.each([
    ['12', 'sha1'],
    ['42', 'sha256'],
    ['52', 'sha384'],
    ['62', 'sha512'],
  ] as const)('adds the DigestInfo where algorithm %s names it', async (algorithm, name) => {
    const card = use(ready({ persona: 'anna' }), algorithm);
    expect(isValid(name, key, await card.obtain(SIGN, digest(name)))).toBe(true);
    expect(await card.exchange(SIGN, digest(name).subarray(1))).toBe('6700');
  });

  it.each([
    ['45', 'sha256'],
    ['55', 'sha384'],
    ['65', 'sha512'],
  ] as const)('pads by PSS where algorithm %s says so, each time anew', async (algorithm, name) => {
    const card = use(ready({ persona: 'anna' }), algorithm);
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    const signatures = [await card.obtain(SIGN, digest(name)), await card.obtain(SIGN, digest(name))];
    for (const signature of signatures) expect(isValid(name, key, signature, pss)).toBe(true);
    expect(signatures[0]).not.toEqual(signatures[1]);
  });

  it('takes a block that the host padded, as a chain', async () => {
    const card = use(ready({ persona: 'anna' }), '00');
    const info = encodeDigestInfo('sha256', digest('sha256'));
    const block = concatBytes(Uint8Array.of(0, 1), new Uint8Array(253 - info.length).fill(0xff), Uint8Array.of(0), info);
    const signature = await card.obtain(SIGN, block);
    expect(isValid('sha256', key, signature)).toBe(true);
    const plain = publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature);
    expect(new Uint8Array(plain)).toEqual(block);
    expect(await card.exchange(SIGN, new Uint8Array(256).fill(0xff))).toBe('6a80');
    expect(await card.exchange(SIGN, new Uint8Array(255))).toBe('6700');
  });

  it('hashes on the card, by the hash template or the algorithm, and signs that', async () => {
    const card = use(ready({ persona: 'anna' }), '42');
    expect(await card.exchange('002a9080', MESSAGE)).toEqual(new Uint8Array());
    expect(isValid('sha256', key, await card.obtain(SIGN))).toBe(true);
    use(card, '02');
    expect(await card.exchange('002a9080', MESSAGE)).toBe('6985');
    expect(card.send('002241aa03800160')).toBe('9000');
    await card.obtain('002a90a0', concatBytes(Uint8Array.of(0x80, MESSAGE.length), MESSAGE));
    expect(isValid('sha512', key, await card.obtain(SIGN))).toBe(true);
    await card.obtain('002a90a0', concatBytes(Uint8Array.of(0x90, 32), digest('sha256')));
    expect(isValid('sha256', key, await card.obtain(SIGN))).toBe(true);
    expect(await card.exchange(SIGN, new Uint8Array())).toBe('6985');
  });

  it('refuses digests to go on with, empty ones, templates without', () => {
    const card = use(ready({ persona: 'anna' }), '42');
    expect(card.send('002a90a006900201028000')).toBe('6a81');
    expect(card.send('002a90a0029000')).toBe('6a80');
    expect(card.send('002a90a003810101')).toBe('6a80');
    expect(card.send('002241aa03800199')).toBe('6a80');
  });

  it('pads up to the length of the key', async () => {
    const card = use(ready({ persona: 'anna' }), '02');
    expect(await card.obtain(SIGN, new Uint8Array(245))).toHaveLength(256);
    expect(await card.exchange(SIGN, new Uint8Array(246))).toBe('6700');
  });

  it('takes the PIN of the key for signatures away each time, that of the other never', async () => {
    const card = use(ready({ persona: 'anna' }), '42', '02');
    const other = publicKeyOf('anna', 'underskrift');
    expect(isValid('sha256', other, await card.obtain(SIGN, digest('sha256')))).toBe(true);
    expect(await card.exchange(SIGN, digest('sha256'))).toBe('6982');
    expect(card.send('00200002')).toBe('63c3');
    use(card, '42', '01');
    for (let count = 0; count < 2; count++) expect(await card.obtain(SIGN, digest('sha256'))).toHaveLength(256);
  });

  it('keeps the PIN for a signature that did not come about', async () => {
    const card = use(ready({ persona: 'anna' }), '42', '02');
    expect(await card.exchange(SIGN, new Uint8Array(5))).toBe('6700');
    expect(card.send('00200002')).toBe('9000');
  });

  it('needs the PIN of that very key', async () => {
    const card = new CardUnderTest({ persona: 'anna' }).select();
    use(card, '42', '01').send(`0020000208${pinBlock('654321')}`);
    expect(await card.exchange(SIGN, digest('sha256'))).toBe('6982');
  });

  it('finds the key by its file as well, and pads when no algorithm is named', async () => {
    const card = ready({ persona: 'anna' });
    const info = encodeDigestInfo('sha256', digest('sha256'));
    for (const reference of ['81024b01', '81063f0050154b01', '810450154b01', '81024b01840100']) {
      const length = formatHex(Uint8Array.of(reference.length / 2));
      expect(card.send(`002241b6${length}${reference}`), reference).toBe('9000');
      expect(isValid('sha256', key, await card.obtain(SIGN, info))).toBe(true);
    }
    expect(card.sendAll('002241b603800142', '00a4020c024b01')).toBe('9000');
    expect(isValid('sha256', key, await card.obtain(SIGN, digest('sha256')))).toBe(true);
  });
});

describe('PSO COMPUTE DIGITAL SIGNATURE with curves', () => {
  it.each([
    ['bjorn', 'legitimering', '01', 'sha256'],
    ['bjorn', 'underskrift', '02', 'sha384'],
    ['bjorn', 'legitimering', '01', 'sha512'],
    ['bjorn', 'underskrift', '02', 'sha1'],
    ['david', 'underskrift', '02', 'sha256'],
  ] as const)('of %s, key for %s, verifies over a digest of any length', async (persona, name, reference, hash) => {
    const card = use(ready({ persona }), '04', reference);
    const signature = await card.obtain(SIGN, digest(hash));
    const dsaEncoding = persona === 'bjorn' ? 'der' : 'ieee-p1363';
    expect(isValid(hash, publicKeyOf(persona, name), signature, { dsaEncoding })).toBe(true);
    expect(
      isValid(hash, publicKeyOf(persona, name === 'legitimering' ? 'underskrift' : 'legitimering'), signature, { dsaEncoding }),
    ).toBe(false);
  });

  it('wants the length of the hash that the algorithm names, and at most 64 bytes', async () => {
    const card = use(ready({ persona: 'david' }), '44');
    const dsaEncoding = 'ieee-p1363';
    expect(
      isValid('sha256', publicKeyOf('david', 'legitimering'), await card.obtain(SIGN, digest('sha256')), { dsaEncoding }),
    ).toBe(true);
    expect(await card.exchange(SIGN, digest('sha384'))).toBe('6700');
    expect(await use(card, '04').exchange(SIGN, new Uint8Array(65))).toBe('6700');
  });

  it('is not for RSA keys, nor the other way', async () => {
    expect(await use(ready({ persona: 'cecilia' }), '04').exchange(SIGN, digest('sha256'))).toBe('6985');
    expect(await use(ready({ persona: 'david' }), '02').exchange(SIGN, digest('sha256'))).toBe('6985');
    expect(await use(ready({ persona: 'david' }), 'a1').exchange(SIGN, digest('sha256'))).toBe('6985');
  });
});

describe('PSO DECIPHER', () => {
  const key = publicKeyOf('anna', 'legitimering');
  const secret = new TextEncoder().encode('session key');

  function encrypt(): Uint8Array {
    return new Uint8Array(publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, secret));
  }

  it('takes the padding off, or leaves it on', async () => {
    const card = ready({ persona: 'anna' });
    expect(card.send('002241b806800102840101')).toBe('9000');
    expect(await card.obtain('002a8086', concatBytes(Uint8Array.of(0), encrypt()))).toEqual(secret);
    expect(card.send('002241b806800100840101')).toBe('9000');
    const block = await card.obtain('002a8086', concatBytes(Uint8Array.of(0), encrypt()));
    expect(block).toHaveLength(256);
    expect(block.subarray(-secret.length)).toEqual(secret);
  });

  it('takes a cryptogram in two halves', async () => {
    const card = ready({ persona: 'anna' });
    card.send('002241b806800102840101');
    const cryptogram = encrypt();
    expect(await card.exchange('002a8086', concatBytes(Uint8Array.of(0x82), cryptogram.subarray(128)))).toBe('6985');
    await card.obtain('002a8086', concatBytes(Uint8Array.of(0x81), cryptogram.subarray(0, 128)));
    expect(await card.obtain('002a8086', concatBytes(Uint8Array.of(0x82), cryptogram.subarray(128)))).toEqual(secret);
  });

  it('refuses other indicators, lengths, padding that is none, and the key for signatures', async () => {
    const card = ready({ persona: 'anna' });
    card.send('002241b806800102840101');
    expect(await card.exchange('002a8086', concatBytes(Uint8Array.of(5), encrypt()))).toBe('6a80');
    expect(await card.exchange('002a8086', new Uint8Array(256))).toBe('6700');
    expect(await card.exchange('002a8086', new Uint8Array())).toBe('6a80');
    expect(await card.exchange('002a8086', concatBytes(Uint8Array.of(0), new Uint8Array(255), Uint8Array.of(2)))).toBe('6a80');
    card.send('002241b806800102840102');
    expect(await card.exchange('002a8086', concatBytes(Uint8Array.of(0), encrypt()))).toBe('6985');
    card.send('002241b806800142840101');
    expect(await card.exchange('002a8086', concatBytes(Uint8Array.of(0), encrypt()))).toBe('6985');
  });
});

describe('MANAGE SECURITY ENVIRONMENT', () => {
  it('refuses what the card does not know', () => {
    const card = ready({ persona: 'anna' });
    expect(card.send('002241b603840109')).toBe('6a88');
    expect(card.send('002241b60481024b09')).toBe('6a88');
    expect(card.send('002241b60481025031')).toBe('6a88');
    expect(card.send('002241b603800177')).toBe('6a80');
    expect(card.send('002241b603870101')).toBe('6a80');
    expect(card.send('002241b60480020002')).toBe('6a80');
    expect(card.send('002241b6')).toBe('6a80');
    expect(card.send('002281b603840101')).toBe('6a86');
    expect(card.send('002241b403840101')).toBe('6a86');
    expect(card.send('002a9e9b0101')).toBe('6a86');
    expect(card.send('0022f3000101')).toBe('6a87');
  });

  it('is forgotten by RESTORE, by a reset and in another DF', async () => {
    for (const forget of ['0022f300', '00a4000c023f00']) {
      const card = use(ready({ persona: 'anna' }), '42');
      expect(card.send(forget)).toBe('9000');
      expect(await card.exchange(SIGN, digest('sha256'))).toBe('6a88');
    }
    const card = use(ready({ persona: 'anna' }), '42');
    card.card.reset();
    expect(await card.exchange(SIGN, digest('sha256'))).toBe('6a88');
  });

  it('sets the key for a login in its own template too', async () => {
    const card = ready({ persona: 'anna' });
    expect(card.send('002241a406800142840101')).toBe('9000');
    expect(await card.obtain(SIGN, digest('sha256'))).toHaveLength(256);
  });
});

describe('GENERATE ASYMMETRIC KEY PAIR', () => {
  function publicKey(answer: Uint8Array): KeyObject {
    const objects = decodeTlv(requireTlv(decodeTlv(answer), 0x7f49));
    const point = objects.find(({ tag }) => tag === 0x86)?.value;
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
    if (!point)
      return createPublicKey({
        key: { kty: 'RSA', n: text(requireTlv(objects, 0x81)), e: text(requireTlv(objects, 0x82)) },
        format: 'jwk',
      });
    const middle = (point.length + 1) / 2;
    const crv = point.length === 65 ? 'P-256' : 'P-384';
    return createPublicKey({
      key: { kty: 'EC', crv, x: text(point.subarray(1, middle)), y: text(point.subarray(middle)) },
      format: 'jwk',
    });
  }

  it.each([
    ['nidel', 'a1', '02', 'sha256'],
    ['myeid', 'a2', '04', 'sha256'],
    ['plain', 'a3', '04', 'sha384'],
  ] as const)('makes a key on a blank %s card that signs', async (profile, algorithm, signing, name) => {
    const card = ready({ profile });
    expect(await use(card, signing).exchange(SIGN, digest(name))).toBe('6a88');
    const made = publicKey(await card.obtain('00468000', parseHex(`ac068001${algorithm}840101`)));
    use(card, signing);
    const input = signing === '02' ? encodeDigestInfo(name, digest(name)) : digest(name);
    const dsaEncoding = profile === 'myeid' ? 'der' : 'ieee-p1363';
    expect(isValid(name, made, await card.obtain(SIGN, input), { dsaEncoding })).toBe(true);
    const read = publicKey(await card.obtain('00468100', parseHex('b603840101')));
    expect(read.equals(made)).toBe(true);
  });

  it('takes key and algorithm from MSE SET, and answers nothing where it is asked not to', async () => {
    const card = ready({ profile: 'plain' });
    use(card, 'a2', '02');
    expect(await card.obtain('00460000')).toEqual(new Uint8Array());
    expect(publicKey(await card.obtain('00468100', new Uint8Array())).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  });

  it('needs the PIN of the key, and says what else is missing', async () => {
    const card = new CardUnderTest({ profile: 'plain' }).select();
    expect(await card.exchange('00468000', parseHex('ac068001a2840101'))).toBe('6982');
    expect(card.send(`0020008208${pinBlock('654321')}`)).toBe('9000');
    expect(await card.exchange('00468000', parseHex('ac068001a2840101'))).toBe('6982');
    expect(await card.obtain('00468000', parseHex('ac068001a2840102'))).toHaveLength(70);
    expect(await card.exchange('00468000', parseHex('ac03840101'))).toBe('6985');
    expect(await card.exchange('00468000', parseHex('ac06800104840101'))).toBe('6985');
    expect(await card.exchange('00468000', parseHex('ac038001a2'))).toBe('6a88');
    expect(await card.exchange('00468100', parseHex('b603840101'))).toBe('6a88');
    expect(await card.exchange('00468000', parseHex('bb038001a2'))).toBe('6a80');
    expect(await card.exchange('00468200', parseHex('ac068001a2840102'))).toBe('6a86');
    expect(await card.exchange('00468001', parseHex('ac068001a2840102'))).toBe('6a86');
  });

  it('leaves the old key when the card is reset meanwhile', async () => {
    const card = ready({ persona: 'anna' });
    const before = card.card.state();
    const making = card.card.process(parseHex('0046800008ac068001a1840101'));
    expect(formatHex(await card.card.process(parseHex('00a4000c025015')))).toBe('6900');
    card.card.reset();
    expect(formatHex(await making)).toMatch(/^6/);
    expect(card.card.state()).toEqual(before);
    expect(card.internalErrors).toEqual([]);
  });
});

import {
  constants,
  createCipheriv,
  createECDH,
  createPublicKey,
  generateKeyPairSync,
  publicDecrypt,
  verify as verifySignature,
  X509Certificate,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeTlv, encodeTlv, requireTlv } from '../../../apdu/tlv/ber-tlv.ts';
import { parseAtr } from '../../../apdu/iso7816/atr.ts';
import { concatBytes, formatHex, parseHex } from '../bytes.ts';
import { createPivCard } from './piv.ts';
import { CardUnderTest, SELECT, VERIFY, knownRandomBytes, seededNumbers } from './piv/testing.ts';

const GET_CHUID = '00cb3fff055c035fc102';

function ready(options: ConstructorParameters<typeof CardUnderTest>[0] = {}): CardUnderTest {
  return new CardUnderTest({ randomBytes: knownRandomBytes, ...options }).select();
}

function bytesOf(answer: Uint8Array | string): Uint8Array {
  if (typeof answer === 'string') throw new Error(`the card answered ${answer}`);
  return answer;
}

function spki(curveOrRsa: Uint8Array): ReturnType<typeof createPublicKey> {
  const objects = decodeTlv(requireTlv(decodeTlv(curveOrRsa), 0x7f49));
  const point = objects.find(({ tag }) => tag === 0x86)?.value;
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  if (!point)
    return createPublicKey({
      key: { kty: 'RSA', n: text(requireTlv(objects, 0x81)), e: text(requireTlv(objects, 0x82)) },
      format: 'jwk',
    });
  const length = (point.length - 1) / 2;
  const crv = length === 32 ? 'P-256' : 'P-384';
  return createPublicKey({
    key: { kty: 'EC', crv, x: text(point.subarray(1, 1 + length)), y: text(point.subarray(1 + length)) },
    format: 'jwk',
  });
}

function templated(tag: number, value: Uint8Array): Uint8Array {
  return encodeTlv(0x7c, encodeTlv(0x82), encodeTlv(tag, value));
}

function responseOf(answer: Uint8Array | string): Uint8Array {
  return requireTlv(decodeTlv(requireTlv(decodeTlv(bytesOf(answer)), 0x7c)), 0x82);
}

describe('SELECT', () => {
  it.each(['a000000308', 'a00000030800001000', 'a0000003080000100001', 'a000000308000010000100'])('accepts %s', (name) => {
    const card = new CardUnderTest();
    expect(card.send(`00a40400${formatHex(Uint8Array.of(name.length / 2))}${name}00`)).toBe(
      '61114f0600001000010079074f05a0000003089000',
    );
  });

  it('answers 6A82 to every other application, and keeps PIV selected with its state', () => {
    const card = ready().verify();
    for (const other of ['00a4040007a0000002471001', '00a4040004a0000003', '00a404000ca00000030800001000010000'])
      expect(card.send(other)).toBe('6a82');
    expect(card.send('00a40000023f00')).toBe('6a86');
    expect(card.send('00200080')).toBe('9000');
    card.send(SELECT);
    expect(card.send('00200080')).toBe('9000');
  });

  it('clears what was verified where the card is told to', () => {
    const card = ready({ clearsOnSelect: true }).verify();
    card.send(SELECT);
    expect(card.send('00200080')).toBe('63c3');
  });

  it('is needed before everything else, which answers 6D00', () => {
    const card = new CardUnderTest();
    for (const command of ['0020008000', GET_CHUID, '00cadf3005', '00fd000000']) expect(card.send(command)).toBe('6d00');
  });
});

describe('GET DATA', () => {
  it('gives the Discovery Object as itself', () => {
    expect(ready().send('00cb3fff035c017e00')).toBe('7e124f0ba0000003080000100001005f2f0240009000');
  });

  it('gives the first bytes and 61XX when Le is short, and forgets the rest at the next command', () => {
    const card = ready();
    expect(card.send('00cb3fff035c017e08')).toBe('7e124f0ba0000003610c');
    expect(card.send('00c000000c')).toBe('080000100001005f2f0240009000');
    card.send('00cb3fff035c017e08');
    card.send('00200080');
    expect(card.send('00c0000000')).toBe('6985');
  });

  it('takes an absent Le as 256', () => {
    const chuid = ready().send(GET_CHUID);
    expect(chuid).toMatch(/^533b3019d4e739da.*3e00fe009000$/);
  });

  it('gives long objects in parts of 256, told by 6100 and then by what is left', async () => {
    const card = ready().authenticate();
    const content = Uint8Array.from({ length: 600 }, (_, index) => index);
    await card.exchange('00db3fff', concatBytes(parseHex('5c035fc105'), encodeTlv(0x53, content)));
    const object = `53820258${formatHex(content)}`;
    expect(card.send('00cb3fff055c035fc10500')).toBe(`${object.slice(0, 512)}6100`);
    expect(card.send('00c0000000')).toBe(`${object.slice(512, 1024)}615c`);
    expect(card.send('00c0000002')).toBe(`${object.slice(1024, 1028)}615a`);
    expect(card.send('00c0000000')).toBe(`${object.slice(1028)}9000`);
  });

  it('answers 6A82 to what is not there, 6A80 to what is no tag list, 6A86 to other files', () => {
    const card = ready();
    expect(card.send('00cb3fff055c035fc105')).toBe('6a82');
    expect(card.send('00cb3fff0453025fc1')).toBe('6a80');
    expect(card.send('00cb3fff')).toBe('6a80');
    expect(card.send('00cb3f00055c035fc105')).toBe('6a86');
  });

  it.each(['5fc103', '5fc108', '5fc109', '5fc121', '5fc123'])('answers 6982 to %s before the PIN, though it is empty', (tag) => {
    const card = ready();
    expect(card.send(`00cb3fff055c03${tag}`)).toBe('6982');
    expect(card.verify().send(`00cb3fff055c03${tag}`)).toBe('6a82');
  });
});

describe('PUT DATA', () => {
  const put = '00db3fff0a5c035fc10a53030102ff';

  it('needs the management key', () => {
    const card = ready();
    expect(card.send(put)).toBe('6982');
    expect(card.authenticate().send(put)).toBe('9000');
    expect(card.send('00cb3fff055c035fc10a')).toBe('53030102ff9000');
  });

  it('deletes by an empty 53', () => {
    const card = ready().authenticate();
    card.send(put);
    expect(card.send('00db3fff075c035fc10a5300')).toBe('9000');
    expect(card.send('00cb3fff055c035fc10a')).toBe('6a82');
  });

  it('takes 7E and 7F61 as themselves', () => {
    const card = ready().authenticate();
    expect(card.send('00db3fff067f6103020101')).toBe('9000');
    expect(card.send('00cb3fff045c027f61')).toBe('7f61030201019000');
  });

  it('answers 6A84 when there is no room, and keeps the earlier object', async () => {
    const card = ready({ capacityBytes: 200 }).authenticate();
    card.send(put);
    expect(await card.exchange('00db3fff', concatBytes(parseHex('5c035fc10a'), encodeTlv(0x53, new Uint8Array(144))))).toBe(
      '6a84',
    );
    expect(card.send('00cb3fff055c035fc10a')).toBe('53030102ff9000');
  });

  it('answers 6A84 to an object larger than the card stores at all', async () => {
    const card = ready().authenticate();
    const data = concatBytes(parseHex('5c035fc105'), encodeTlv(0x53, new Uint8Array(3053)));
    expect(await card.exchange('00db3fff', data)).toBe('6a84');
    expect(
      await card.exchange('00db3fff', concatBytes(parseHex('5c035fc105'), encodeTlv(0x53, new Uint8Array(3052)))),
    ).toHaveLength(0);
  });

  it('stores vendor tags on a yubikey, and answers 6A81 to them on a plain card', () => {
    const vendor = '00db3fff085c035fff00530101';
    expect(ready().authenticate().send(vendor)).toBe('9000');
    expect(ready({ profile: 'plain' }).authenticate().send(vendor)).toBe('6a81');
  });

  it('forgets a chain that another command broke', () => {
    const card = ready().authenticate();
    card.send('10db3fff085c035fc10a530301');
    expect(card.send('00200080')).toBe('63c3');
    expect(card.send('00db3fff0202ff')).toBe('6a80');
  });
});

describe('PINs', () => {
  it('tell their tries, are verified, and are logged out', () => {
    const card = ready();
    expect(card.send('00200080')).toBe('63c3');
    expect(card.send('0020008000')).toBe('63c3');
    expect(card.send(VERIFY)).toBe('9000');
    expect(card.send('00200080')).toBe('9000');
    expect(card.send('0020ff80')).toBe('9000');
    expect(card.send('00200080')).toBe('63c3');
    expect(card.send('00200180')).toBe('6a86');
    expect(card.send('00200096')).toBe('6a88');
    expect(card.send('00200081')).toBe('6a88');
  });

  it('lose a try when wrong, are blocked at the end, and lose none when malformed', () => {
    const card = ready().verify();
    const wrong = '0020008008393939393939ffff';
    expect(card.send('00200080083132333435ffffff')).toBe('6a80');
    expect(card.send('00200080')).toBe('9000');
    expect(card.send(wrong)).toBe('63c2');
    expect(card.send('00200080')).toBe('63c2');
    expect(card.send(wrong)).toBe('63c1');
    expect(card.send(wrong)).toBe('63c0');
    expect(card.send(wrong)).toBe('6983');
    expect(card.send(VERIFY)).toBe('6983');
    expect(card.send('00200080')).toBe('6983');
  });

  it('keep the count over a reset, and not the verification', () => {
    const card = ready();
    card.send('0020008008393939393939ffff');
    card.card.reset();
    expect(card.select().send('00200080')).toBe('63c2');
    card.verify().card.powerUp();
    expect(card.select().send('00200080')).toBe('63c3');
  });

  it('are changed by themselves', () => {
    const card = ready();
    expect(card.send('0024008010313233343536ffff363534333231ffff')).toBe('9000');
    expect(card.send('00200080')).toBe('9000');
    expect(card.send('0024008010313233343536ffff363534333231ffff')).toBe('63c2');
    expect(card.send('00200080')).toBe('63c2');
    expect(card.send('0024008010363534333231ffff31ffffffffffffff')).toBe('6a80');
    expect(card.send('002400811031323334353637383837363534333231')).toBe('9000');
    expect(card.send('002400811031323334353637383837363534333231')).toBe('63c2');
    expect(card.send('0024009910313233343536373838373635343332ff')).toBe('6a88');
  });

  it('are unblocked by the PUK, which does not verify them', () => {
    const card = ready();
    for (let tries = 0; tries < 3; tries++) card.send('0020008008393939393939ffff');
    expect(card.send('002c0080103131313131313131363534333231ffff')).toBe('63c2');
    expect(card.send('002c0080103132333435363738363534333231ffff')).toBe('9000');
    expect(card.send('00200080')).toBe('63c3');
    expect(card.send('0020008008363534333231ffff')).toBe('9000');
    for (const answer of ['63c2', '63c1', '63c0', '6983'])
      expect(card.send('002c0080103131313131313131363534333231ffff')).toBe(answer);
  });

  it('have digits alone on a plain card, and any bytes on a yubikey', () => {
    const letters = '0020008008616263646566ffff';
    expect(ready({ profile: 'plain' }).send(letters)).toBe('6a80');
    expect(ready().send(letters)).toBe('63c2');
  });
});

describe('the management key', () => {
  it('is proved mutually as in the worked example, 3DES', () => {
    const card = ready();
    expect(card.send('0087039b047c028000')).toBe('7c0a800826604d88e55bd3e79000');
    expect(card.send('0087039b167c148008001122334455667781088899aabbccddeeff')).toBe('7c0a820883e96cd48a9d71519000');
    expect(card.send('0087009b047c02800000')).toBe('7c0a800826604d88e55bd3e79000');
    expect(card.send('0087039b187c1680080011223344556677820081088899aabbccddeeff00')).toBe('7c0a820883e96cd48a9d71519000');
  });

  it('is proved mutually as in the worked example, AES-192', () => {
    const witness = parseHex('00112233445566778899aabbccddeeff');
    const card = ready({ firmware: '5.7.1', randomBytes: (length) => (length === 16 ? witness : knownRandomBytes(length)) });
    expect(card.send('00870a9b047c02800000')).toBe('7c128010c53c74bb02939c2fd3d923078f3e757d9000');
    const proof = '00870a9b267c24801000112233445566778899aabbccddeeff81100f0e0d0c0b0a0908070605040302010000';
    expect(card.send(proof)).toBe('7c1282100ecf148ebb88e514e43992958b4e4f4c9000');
    expect(card.send('0087039b047c028000')).toBe('6a86');
  });

  it('is proved by the host alone, once for each challenge', () => {
    const card = ready();
    expect(card.send('0087039b047c028100')).toBe('7c0a810800112233445566779000');
    const proof = '0087039b0c7c0a820826604d88e55bd3e7';
    expect(card.send(proof)).toBe('9000');
    expect(card.send('00db3fff085c035fc10a530101')).toBe('9000');
    expect(card.send(proof)).toBe('6982');
    expect(card.send('00db3fff085c035fc10a530101')).toBe('6982');
  });

  it('is not proved by a wrong witness, nor when another command came in between', () => {
    const card = ready();
    card.send('0087039b047c028000');
    expect(card.send('0087039b167c148008001122334455667881088899aabbccddeeff')).toBe('6982');
    card.send('0087039b047c028000');
    card.send('00200080');
    expect(card.send('0087039b167c148008001122334455667781088899aabbccddeeff')).toBe('6982');
    expect(card.send('00db3fff085c035fc10a530101')).toBe('6982');
  });

  it.each([
    ['08', 'aes-128-ecb', '000102030405060708090a0b0c0d0e0f'],
    ['0a', 'aes-192-ecb', '000102030405060708090a0b0c0d0e0f0001020304050607'],
    ['0c', 'aes-256-ecb', '000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f'],
  ])('is set to algorithm %s, and works', (algorithm, cipher, key) => {
    const card = ready().authenticate();
    const data = `${algorithm}9b${formatHex(Uint8Array.of(key.length / 2))}${key}`;
    expect(card.send(`00ffffff${formatHex(Uint8Array.of(data.length / 2))}${data}`)).toBe('9000');
    card.card.reset();
    const challenge = card.select().send(`0087${algorithm}9b047c028100`);
    const response = createCipheriv(cipher, parseHex(key), null)
      .setAutoPadding(false)
      .update(parseHex(challenge.slice(8, 40)));
    expect(card.send(`0087${algorithm}9b147c128210${formatHex(response)}`)).toBe('9000');
  });

  it('is not set to AES before firmware 5.4, nor to a wrong length', () => {
    expect(ready({ firmware: '5.3.0' }).authenticate().send('00ffffff13089b10000102030405060708090a0b0c0d0e0f')).toBe('6a80');
    expect(ready().authenticate().send('00ffffff13039b10000102030405060708090a0b0c0d0e0f')).toBe('6a80');
    expect(ready().send('00ffffff1b039b18000102030405060708090a0b0c0d0e0f0001020304050607')).toBe('6982');
  });
});

describe('keys', () => {
  it.each([
    ['P-256', '11', '9a', 32],
    ['P-384', '14', '9d', 48],
  ])('of %s are made on the spot, sign digests and agree', async (_name, algorithm, reference, length) => {
    const card = ready().authenticate();
    const made = parseHex(card.send(`004700${reference}05ac038001${algorithm}00`)).subarray(0, -2);
    const publicKey = spki(made);
    card.verify();
    const message = Buffer.from('kortd');
    const digest = new Uint8Array(await crypto.subtle.digest(`SHA-${length * 8}`, message));
    const signature = responseOf(await card.exchange(`0087${algorithm}${reference}`, templated(0x81, digest)));
    expect(verifySignature(`sha${length * 8}`, message, publicKey, signature)).toBe(true);
    const peer = createECDH(length === 32 ? 'prime256v1' : 'secp384r1');
    const peerPoint = peer.generateKeys();
    const shared = responseOf(await card.exchange(`0087${algorithm}${reference}`, templated(0x85, peerPoint)));
    const cardPoint = requireTlv(decodeTlv(requireTlv(decodeTlv(made), 0x7f49)), 0x86);
    expect(formatHex(shared)).toBe(peer.computeSecret(cardPoint).toString('hex'));
    const notOnCurve = Uint8Array.from(peerPoint);
    notOnCurve[5] = (notOnCurve[5] ?? 0) ^ 1;
    expect(await card.exchange(`0087${algorithm}${reference}`, templated(0x85, notOnCurve))).toBe('6a80');
    expect(await card.exchange(`0087${algorithm}${reference}`, templated(0x81, new Uint8Array(length + 1)))).toBe('6a80');
    expect(card.internalErrors).toEqual([]);
  });

  it.each([
    ['1024', '06', {}],
    ['2048', '07', {}],
    [
      '3072',
      '05',
      { firmware: '5.7.0', managementKey: { algorithm: '3DES', key: '010203040506070801020304050607080102030405060708' } },
    ],
  ] as const)('of RSA-%s are made without blocking, and sign raw blocks', async (bits, algorithm, options) => {
    const card = ready(options).authenticate();
    const made = await card.exchange('0047009a', parseHex(`ac038001${algorithm}`));
    const publicKey = spki(bytesOf(made));
    const lengthBytes = Number(bits) / 8;
    const block = concatBytes(parseHex('0001'), new Uint8Array(lengthBytes - 3).fill(0xff), parseHex('00'));
    const signature = responseOf(await card.verify().exchange(`0087${algorithm}9a`, templated(0x81, block)));
    expect(signature).toHaveLength(lengthBytes);
    expect(formatHex(publicDecrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, signature))).toBe(formatHex(block));
    expect(await card.exchange(`0087${algorithm}9a`, templated(0x81, new Uint8Array(lengthBytes).fill(0xff)))).toBe('6a80');
    expect(await card.exchange(`0087${algorithm}9a`, templated(0x81, new Uint8Array(lengthBytes - 1)))).toBe('6a80');
  });

  it('are not made when the card is reset meanwhile', async () => {
    const card = ready().authenticate();
    const making = card.sendSlow('0047009a05ac03800106');
    expect(card.send('00200080')).toBe('6900');
    card.card.reset();
    expect(await making).toBe('6f00');
    expect(card.select().send('00f7009a')).toBe('6a88');
  });

  it('need the management key to be made, and an algorithm and reference that the card has', () => {
    const card = ready();
    expect(card.send('0047009a05ac03800111')).toBe('6982');
    card.authenticate();
    expect(card.send('0047009a05ac03800105')).toBe('6a80');
    expect(card.send('0047009a05ac038001e0')).toBe('6a80');
    expect(card.send('0047008005ac03800111')).toBe('6a86');
    expect(card.send('0047009a0aac0880010681030100ff')).toBe('6a80');
    expect(ready({ profile: 'plain' }).authenticate().send('0047008205ac03800111')).toBe('6a86');
    expect(ready({ profile: 'plain' }).authenticate().send('0047009a08ac06800111aa0101')).toBe('6a80');
  });

  it('follow their PIN rules: 9A once, 9C before each use, 9E never', () => {
    const sign = (reference: string): string => `008711${reference}267c2482008120${'11'.repeat(32)}00`;
    const card = ready().authenticate();
    for (const reference of ['9a', '9c', '9e']) card.send(`004700${reference}05ac03800111`);
    expect(card.send(sign('9e'))).toMatch(/9000$/);
    expect(card.send(sign('9a'))).toBe('6982');
    card.verify();
    expect(card.send(sign('9a'))).toMatch(/9000$/);
    expect(card.send(sign('9a'))).toMatch(/9000$/);
    expect(card.send(sign('9c'))).toBe('6982');
    card.verify();
    expect(card.send('00200080')).toBe('9000');
    expect(card.send(sign('9c'))).toMatch(/9000$/);
    expect(card.send(sign('9c'))).toBe('6982');
    card.verify();
    card.send(GET_CHUID);
    expect(card.send(sign('9c'))).toBe('6982');
    expect(card.send(sign('9d'))).toBe('6a88');
    expect(card.send(sign('9b'))).toBe('6a86');
    expect(card.send(sign('42'))).toBe('6a86');
    expect(card.send(sign('9a').replace('008711', '008714'))).toBe('6a86');
  });

  it('carry the policies that they are made with', () => {
    const card = ready().authenticate();
    card.send('0047009a0bac09800111aa0103ab0102');
    expect(card.send('00f7009a')).toMatch(/^010111020203020301010443864104/);
    expect(card.send(`0087119a267c2482008120${'11'.repeat(32)}`)).toBe('6982');
  });

  it('are imported, curves and RSA', async () => {
    const card = ready().authenticate();
    const curve = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const jwk = curve.privateKey.export({ format: 'jwk' });
    const raw = (text: string | undefined): Uint8Array => new Uint8Array(Buffer.from(text ?? '', 'base64url'));
    expect(await card.exchange('00fe119e', encodeTlv(0x06, raw(jwk.d)))).toHaveLength(0);
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', Buffer.from('m')));
    const signature = responseOf(await card.exchange('0087119e', templated(0x81, digest)));
    expect(verifySignature('sha256', Buffer.from('m'), curve.publicKey, signature)).toBe(true);

    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const { p, q, dp, dq, qi } = rsa.privateKey.export({ format: 'jwk' });
    const parts = [p, q, dp, dq, qi].map((text, index) => encodeTlv(index + 1, raw(text)));
    expect(await card.exchange('00fe069e', concatBytes(...parts))).toHaveLength(0);
    const block = new Uint8Array(128).fill(2);
    const raised = responseOf(await card.exchange('0087069e', templated(0x81, block)));
    expect(formatHex(publicDecrypt({ key: rsa.publicKey, padding: constants.RSA_NO_PADDING }, raised))).toBe(formatHex(block));
    expect(await card.exchange('00fe069e', concatBytes(...parts.slice(0, 4), encodeTlv(5, new Uint8Array(64).fill(1))))).toBe(
      '6a80',
    );
    expect(await card.exchange('00fe119e', encodeTlv(0x06, new Uint8Array(32)))).toBe('6a80');
    expect(card.send('00f7009e')).toMatch(/^010106020201010301020481/);
    expect(card.send('00f99e00')).toBe('6a80');
    expect(card.internalErrors).toEqual([]);
  });

  it('are moved and deleted from firmware 5.7 on', () => {
    expect(ready().authenticate().send('00f6829a')).toBe('6d00');
    const card = ready({
      firmware: '5.7.0',
      managementKey: { algorithm: '3DES', key: '010203040506070801020304050607080102030405060708' },
    }).authenticate();
    card.send('0047009a05ac03800111');
    card.send('0047009d05ac03800111');
    expect(card.send('00f69d9a')).toBe('6985');
    expect(card.send('00f6829a')).toBe('9000');
    expect(card.send('00f7009a')).toBe('6a88');
    expect(card.send('00f6ff82')).toBe('9000');
    expect(card.send('00f6ff82')).toBe('6a88');
    expect(card.send('00f6f99d')).toBe('6a86');
  });
});

describe('a yubikey', () => {
  it('tells version, serial number and metadata', () => {
    const card = ready({ serialNumber: 10_000_001 });
    expect(card.send('00fd000003')).toBe('0504039000');
    expect(card.send('00f80000')).toBe('009896819000');
    expect(card.send('00f70080')).toBe('0101ff050101060203039000');
    expect(card.send('00f70081')).toBe('0101ff050101060203039000');
    expect(card.send('00f7009b')).toBe('010103020200010501019000');
    expect(card.send('00f7009a')).toBe('6a88');
    card.send('0020008008393939393939ffff');
    expect(card.send('00f70080')).toBe('0101ff050101060203029000');
  });

  it('of an older firmware has less', () => {
    const card = ready({ firmware: '4.2.0' });
    for (const command of ['00f70080', '00f80000', '00f99a00']) expect(card.send(command)).toBe('6d00');
  });

  it('attests a key that it made, by F9 with its certificate in 5FFF01', async () => {
    const card = ready({ serialNumber: 10_000_001, now: () => new Date('2026-01-01T00:00:00Z') }).authenticate();
    const made = spki(parseHex(card.send('0047009a05ac03800111')).subarray(0, -2));
    const attestation = new X509Certificate(bytesOf(await card.exchange('00f99a00', new Uint8Array())));
    const object = requireTlv(decodeTlv(bytesOf(await card.exchange('00cb3fff', parseHex('5c035fff01')))), 0x53);
    const root = new X509Certificate(requireTlv(decodeTlv(object), 0x70));
    expect(attestation.verify(root.publicKey)).toBe(true);
    expect(attestation.checkIssued(root)).toBe(true);
    expect(attestation.publicKey.equals(made)).toBe(true);
    const hex = formatHex(attestation.raw);
    expect(hex).toContain('2b0601040182c40a03030403050403');
    expect(hex).toContain('2b0601040182c40a03070406020400989681');
    expect(hex).toContain('2b0601040182c40a030804020201');
    expect(card.send('00f99d00')).toBe('6a88');
    expect(card.send('00f94200')).toBe('6a86');
  });

  it('sets new counters with management key and PIN, and defaults for both', () => {
    const card = ready({ pin: '654321' });
    expect(card.send('00fa0504')).toBe('6982');
    expect(card.authenticate().send('00fa0504')).toBe('6982');
    card.send('0020008008363534333231ffff');
    expect(card.send('00fa0004')).toBe('6a80');
    expect(card.send('00fa0504')).toBe('9000');
    expect(card.send('00200080')).toBe('63c5');
    expect(card.send('0020008008363534333231ffff')).toBe('63c4');
    expect(card.verify().send('00200080')).toBe('9000');
    expect(card.send('00f70081')).toBe('0101ff050101060204049000');
  });

  it('is reset when PIN and PUK are blocked, and not before', () => {
    const card = ready({ pin: '654321' }).authenticate();
    card.send('0047009a05ac03800111');
    card.send('00db3fff085c035fc10a530101');
    expect(card.send('00fb0000')).toBe('6985');
    for (let tries = 0; tries < 3; tries++) {
      card.send('0020008008393939393939ffff');
      card.send('002c0080103131313131313131363534333231ffff');
    }
    expect(card.send('00fb0000')).toBe('9000');
    expect(card.send(VERIFY)).toBe('9000');
    expect(card.send('00f7009a')).toBe('6a88');
    expect(card.send('00cb3fff055c035fc10a')).toBe('6a82');
    expect(card.send('00db3fff085c035fc10a530101')).toBe('6982');
  });
});

describe('a plain card', () => {
  it('answers 6D00 to every Yubico instruction', () => {
    const card = ready({ profile: 'plain' }).authenticate();
    for (const ins of ['f6', 'f7', 'f8', 'f9', 'fa', 'fb', 'fd', 'fe', 'ff']) expect(card.send(`00${ins}0000`)).toBe('6d00');
  });

  it('has an ATR of its own, which tells chaining and no extended length', () => {
    const atr = parseAtr(createPivCard({ profile: 'plain' }).atr);
    expect(atr.checksumValid).toBe(true);
    expect(atr.capabilities).toEqual({ commandChaining: true, extendedLength: false });
    expect(parseAtr(createPivCard({ profile: 'plain', extendedLength: true }).atr).capabilities?.extendedLength).toBe(true);
  });
});

describe('the transport', () => {
  it('carries extended length where the ATR says so', () => {
    const card = ready();
    expect(formatHex(card.card.atr)).toBe('3bfd1300008131fe158073c021c057597562694b657940');
    const put = `00db3fff00010f5c035fc10553820106${'70'.repeat(262)}`;
    expect(card.authenticate().send(put)).toBe('9000');
    expect(card.send('00cb3fff0000055c035fc1050000')).toHaveLength(2 * (266 + 2));
    const short = ready({ extendedLength: false }).authenticate();
    expect(short.send(put)).toBe('6700');
    expect(parseAtr(short.card.atr)).toMatchObject({ checksumValid: true, capabilities: { extendedLength: false } });
  });

  it('refuses classes that PIV does not use', () => {
    const card = ready();
    expect(card.send('80cb3fff055c035fc102')).toBe('6e00');
    expect(card.send('0ccb3fff055c035fc102')).toBe('6882');
    expect(card.send('01cb3fff055c035fc102')).toBe('6881');
    expect(card.send('40cb3fff055c035fc102')).toBe('6881');
    expect(card.send('60cb3fff055c035fc102')).toBe('6882');
    expect(card.send('20cb3fff055c035fc102')).toBe('6e00');
    expect(card.send('1020008008313233343536ffff')).toBe('6884');
  });

  it('answers 6700 to bytes that are no command', () => {
    for (const command of ['', '00', '00cb3f', '00cb3fff055c03', '00cb3fff00000000']) expect(ready().send(command)).toBe('6700');
  });

  it('answers any bytes with two at least, and never throws', async () => {
    const next = seededNumbers(20_260_101);
    const instructions = [0x20, 0x24, 0x2c, 0x47, 0x87, 0xa4, 0xc0, 0xcb, 0xdb, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfd, 0xfe, 0xff];
    for (const profile of ['yubikey', 'plain'] as const) {
      const card = ready({ profile }).authenticate();
      for (let round = 0; round < 4000; round++) {
        if (round % 100 === 0) card.select().authenticateIfPossible();
        const bytes = Uint8Array.from({ length: next() % 60 }, () => next());
        if (bytes.length > 5 && next() % 4 > 0) shape(bytes, next, instructions);
        const response = await card.card.process(bytes);
        expect(response.length).toBeGreaterThanOrEqual(2);
      }
      expect(card.internalErrors).toEqual([]);
    }
  });
});

/** Makes random bytes a likely command: known instruction, right Lc, templates that begin well. RSA keys are not made: they take long. */
function shape(bytes: Uint8Array, next: () => number, instructions: readonly number[]): void {
  bytes[0] = next() % 5 === 0 ? 0x10 : 0x00;
  bytes[1] = instructions[next() % instructions.length] ?? 0;
  bytes[2] = [0x00, 0x03, 0x11, 0x3f][next() % 4] ?? 0;
  bytes[3] = [0x80, 0x9a, 0x9b, 0xff][next() % 4] ?? 0;
  bytes[4] = bytes.length - 5;
  bytes[5] = [0x7c, 0x5c, 0xac, 0x7f][next() % 4] ?? 0;
  if (bytes.length > 6) bytes[6] = bytes.length - 7;
  if (bytes.length > 8) bytes[7] = [0x80, 0x81, 0x82, 0x85][next() % 4] ?? 0;
  if (bytes[1] === 0x47 && bytes.length > 9) bytes[9] = 0x11;
}

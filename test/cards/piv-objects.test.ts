import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { concat, parseHex } from '../../apdu/bytes.ts';
import { PIV_DATA_OBJECTS } from '../../apdu/cards/piv/constants.ts';
import { readDataObject, writeDataObject } from '../../apdu/cards/piv/data.ts';
import {
  CardDataError,
  CardFullError,
  KeyNotFoundError,
  NotSupportedByCardError,
  ObjectNotFoundError,
  SecurityStatusError,
} from '../../apdu/errors.ts';
import { encodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import type { TokenCertificate, TokenContents } from '../../apdu/token.ts';
import { PivDesk, authenticateFactoryKey, secret, type DeskOptions } from './piv-desk.ts';
import { certify, describePrivateKey, makeEllipticKey, spkiOf } from './test-keys.ts';

const KEY = makeEllipticKey('P-256');
const SMALL = certify(KEY);
const LARGE = certify(KEY, 1800);
const WAYS: readonly [string, DeskOptions][] = [
  ['a yubikey with extended length', {}],
  ['a yubikey in a reader with short length', { readerCarriesExtendedLength: false }],
  ['a plain card with short length', { card: { profile: 'plain' } }],
  ['a plain card with extended length', { card: { profile: 'plain', extendedLength: true } }],
];
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const certificateOf = (certificates: readonly TokenCertificate[], keyReference: string): Uint8Array | undefined =>
  certificates.find((certificate) => certificate.keyReference === keyReference)?.der;

describe.each(WAYS)('certificates on %s', (_, options) => {
  it('come back as they were written, small and large, and replace each other', async () => {
    const desk = new PivDesk(options);
    for (const der of [SMALL, LARGE, SMALL]) {
      await desk.use(async ({ management }) => {
        await authenticateFactoryKey(management);
        await management.writeCertificate('9A', der);
        await management.writeCertificate('9E', der);
      });
      const { certificates, keys } = await desk.use(({ token }) => token.contents());
      expect(certificates.map(({ keyReference }) => keyReference)).toEqual(['9A', '9E']);
      for (const { der: stored } of certificates) expect(Buffer.compare(stored, der)).toBe(0);
      expect(keys[0]).toMatchObject({ keyReference: '9A', algorithm: 'P-256', publicKey: spkiOf(KEY.publicKey) });
    }
  });

  it('are gone when deleted, and cannot be deleted twice', async () => {
    const desk = new PivDesk(options);
    await desk.use(async ({ token, management }) => {
      await authenticateFactoryKey(management);
      await management.writeCertificate('9C', SMALL);
      await management.deleteCertificate('9C');
      expect((await token.contents()).certificates).toEqual([]);
      await expect(management.deleteCertificate('9C')).rejects.toThrow(ObjectNotFoundError);
    });
  });

  it('are neither written nor deleted without the management key', async () => {
    const card = { ...options.card, keys: { '9A': describePrivateKey(KEY, SMALL) } };
    await new PivDesk({ ...options, card }).use(async ({ token, management }) => {
      await expect(management.writeCertificate('9A', LARGE)).rejects.toThrow(SecurityStatusError);
      await expect(management.deleteCertificate('9A')).rejects.toThrow(SecurityStatusError);
      expect(certificateOf((await token.contents()).certificates, '9A')).toEqual(SMALL);
    });
  });

  it('stay as they were when the card is full', async () => {
    const card = { ...options.card, capacityBytes: SMALL.length + 300, keys: { '9A': describePrivateKey(KEY, SMALL) } };
    await new PivDesk({ ...options, card }).use(async ({ token, management }) => {
      await authenticateFactoryKey(management);
      const outcome = management.writeCertificate('9A', LARGE);
      await expect(outcome).rejects.toThrow(CardFullError);
      await expect(outcome).rejects.toMatchObject({ statusWord: 0x6a84, instruction: 0xdb });
      await expect(management.writeCertificate('9C', LARGE)).rejects.toThrow(CardFullError);
      const { certificates } = await token.contents();
      expect(certificates).toHaveLength(1);
      expect(certificateOf(certificates, '9A')).toEqual(SMALL);
    });
  });

  it('of retired keys are read as far as the key history announces them', async () => {
    const container = concat(encodeTlv(0x70, SMALL), parseHex('710100FE00'));
    const objects = {
      '5FC10C': base64(parseHex('C10102 C20100 FE00')),
      ...{ '5FC10D': base64(container), '5FC10E': base64(container), '5FC10F': base64(container) },
    };
    const contents = await new PivDesk({ ...options, card: { ...options.card, objects } }).use(({ token }) => token.contents());
    expect(contents.certificates.map(({ keyReference }) => keyReference)).toEqual(['82', '83']);
    expect(contents.keys.map(({ keyReference }) => keyReference)).toEqual(['9A', '9C', '9D', '9E', '82', '83']);
  });
});

describe('a certificate', () => {
  const reading = async (content: Uint8Array): Promise<TokenContents> =>
    await new PivDesk({ card: { objects: { '5FC105': base64(content) } } }).use(({ token }) => token.contents());

  it('that the card holds as gzip is read unpacked', async () => {
    const contents = reading(concat(encodeTlv(0x70, gzipSync(LARGE)), parseHex('710101FE00')));
    const { certificates, keys } = await contents;
    expect(certificates).toEqual([{ keyReference: '9A', der: LARGE }]);
    expect(keys[0]?.algorithm).toBe('P-256');
  });

  it.each([
    ['does not parse at all', Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x00)],
    ['has a public key of an unknown kind', breakKeyAlgorithm(SMALL)],
    ['has a public key that is off its curve', breakPoint(SMALL)],
  ])('that %s is given out all the same, and its key has no algorithm', async (_, der) => {
    const contents = await new PivDesk({ card: { keys: { '9A': describePrivateKey(KEY, der) } } }).use(({ token }) =>
      token.contents(),
    );
    expect(certificateOf(contents.certificates, '9A')).toEqual(der);
    expect(contents.keys[0]?.algorithm).toBeUndefined();
  });

  it('in a container that is no TLV is a CardDataError', async () => {
    await expect(reading(parseHex('7005AA'))).rejects.toThrow(CardDataError);
  });

  it('that the card gives back otherwise than it was written is a CardDataError', async () => {
    const desk = new PivDesk();
    await desk.use(async ({ management }) => {
      await authenticateFactoryKey(management);
      desk.reader.arm([{ kind: 'garbage', at: 2, response: '5309 7002AAAA 710100 FE00 9000' }]);
      await expect(management.writeCertificate('9A', SMALL)).rejects.toThrow(CardDataError);
    });
  });

  it('that is there after its deletion is a CardDataError', async () => {
    const desk = new PivDesk({ card: { keys: { '9A': describePrivateKey(KEY, SMALL) } } });
    await desk.use(async ({ management }) => {
      await authenticateFactoryKey(management);
      desk.reader.arm([{ kind: 'garbage', at: 3, response: '5309 7002AAAA 710100 FE00 9000' }]);
      await expect(management.deleteCertificate('9A')).rejects.toThrow(CardDataError);
    });
  });

  it('of a key that PIV has not is a KeyNotFoundError, and nothing is sent', async () => {
    const desk = new PivDesk();
    await desk.use(async ({ management }) => {
      const sent = await desk.count(() => expect(management.writeCertificate('F9', SMALL)).rejects.toThrow(KeyNotFoundError));
      expect(sent).toBe(0);
    });
  });

  it('of 70,000 bytes is an error of the card, not of ours', async () => {
    await new PivDesk().use(async ({ management }) => {
      await authenticateFactoryKey(management);
      const outcome = management.writeCertificate('9A', new Uint8Array(70_000));
      await expect(outcome).rejects.toMatchObject({ instruction: 0xdb, statusWord: 0x6700 });
    });
  });
});

describe.each(WAYS)('data objects of %s', (_, options) => {
  it('come back as they were written, every one of SP 800-73, after the PIN where one is wanted', async () => {
    const desk = new PivDesk({ ...options, card: { ...options.card, capacityBytes: 200_000 } });
    await desk.use(async ({ channel, token, management }) => {
      await authenticateFactoryKey(management);
      for (const [index, { tag }] of PIV_DATA_OBJECTS.entries())
        await writeDataObject(channel, tag, encodeTlv(0x80, new Uint8Array(1 + index * 40).fill(index)));
      for (const { tag, name, read } of PIV_DATA_OBJECTS) {
        if (read === 'pin') await expect(readDataObject(channel, tag), name).rejects.toThrow(SecurityStatusError);
      }
      await token.verifyPin('80', secret('123456'));
      for (const [index, { tag, name }] of PIV_DATA_OBJECTS.entries())
        expect(await readDataObject(channel, tag), name).toEqual(encodeTlv(0x80, new Uint8Array(1 + index * 40).fill(index)));
    });
  });

  it('that are not there, or were emptied, are undefined', async () => {
    await new PivDesk(options).use(async ({ channel, management }) => {
      expect(await readDataObject(channel, 0x5fc106)).toBeUndefined();
      await authenticateFactoryKey(management);
      await writeDataObject(channel, 0x5fc106, Uint8Array.of(0xba, 0x00));
      expect(await readDataObject(channel, 0x5fc106)).toEqual(Uint8Array.of(0xba, 0x00));
      await writeDataObject(channel, 0x5fc106, new Uint8Array());
      expect(await readDataObject(channel, 0x5fc106)).toBeUndefined();
    });
  });
});

describe('a data object', () => {
  it('that the card does not store is a NotSupportedByCardError', async () => {
    await new PivDesk({ card: { profile: 'plain' } }).use(async ({ channel, management }) => {
      await authenticateFactoryKey(management);
      await expect(writeDataObject(channel, 0x5fff10, Uint8Array.of(1))).rejects.toThrow(NotSupportedByCardError);
    });
  });

  it.each([
    ['in another tag than 53', '7002AAAA9000'],
    ['cut short', '5305AA9000'],
    ['of no bytes', '9000'],
  ])('that comes back %s is a CardDataError', async (_, response) => {
    const desk = new PivDesk();
    await desk.use(async ({ channel }) => {
      desk.reader.arm([{ kind: 'garbage', at: 1, response }]);
      await expect(readDataObject(channel, 0x5fc102)).rejects.toThrow(CardDataError);
    });
  });
});

/** id-ecPublicKey (RFC 5480, section 2.1.1) becomes an object identifier of nobody. */
function breakKeyAlgorithm(der: Uint8Array): Uint8Array {
  const broken = Buffer.from(der);
  const offset = broken.indexOf(Buffer.from('06072A8648CE3D0201', 'hex'));
  broken[offset + 8] = 0x7f;
  return new Uint8Array(broken);
}

/** The last byte of Y is changed. */
function breakPoint(der: Uint8Array): Uint8Array {
  const broken = Buffer.from(der);
  const point = Buffer.from(spkiOf(KEY.publicKey)).subarray(-65);
  const last = broken.indexOf(point) + 64;
  broken[last] = (broken[last] ?? 0) ^ 0x01;
  return new Uint8Array(broken);
}

import { X509Certificate, createHash, verify, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseHex } from '../../apdu/bytes.ts';
import { TAG_CHUID, YUBICO_ATTESTATION_CERTIFICATE_TAG } from '../../apdu/cards/piv/constants.ts';
import { readDataObject } from '../../apdu/cards/piv/data.ts';
import { MANAGEMENT_KEY_ALGORITHMS } from '../../apdu/cards/piv/management-key.ts';
import { decodeCertificateObject } from '../../apdu/cards/piv/objects.ts';
import {
  attest,
  importKey,
  readMetadata,
  readSerial,
  readVersion,
  resetApplication,
  setManagementKey,
  setPinRetries,
  type PrivateKeyParts,
} from '../../apdu/cards/piv/yubico.ts';
import {
  CardDataError,
  ManagementKeyRejectedError,
  NotSupportedByCardError,
  ObjectNotFoundError,
  PinBlockedError,
  SecurityStatusError,
  StatusWordError,
} from '../../apdu/errors.ts';
import { Secret } from '../../apdu/secret.ts';
import type { Token } from '../../apdu/token.ts';
import { PivDesk, authenticateFactoryKey, managementKeyOf, secret } from './piv-desk.ts';
import { describePrivateKey, makeEllipticKey, rsa2048Key, spkiOf, type TestKey } from './test-keys.ts';

const PIN = '80';
const KEY = makeEllipticKey('P-256');
const NEW_KEY = '00112233445566778899AABBCCDDEEFF';

const fieldOf = (key: KeyObject, name: 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi'): Secret =>
  Secret.take(new Uint8Array(Buffer.from(key.export({ format: 'jwk' })[name] ?? '', 'base64url')));

describe('serial number and firmware version', () => {
  it('are what the card has', async () => {
    await new PivDesk({ card: { serialNumber: 12_345_678, firmware: '5.4.3' } }).use(async ({ channel, application }) => {
      expect(await readSerial(channel)).toBe('12345678');
      expect(await readVersion(channel)).toBe('5.4.3');
      expect(await application.serialNumber()).toBe('12345678');
    });
  });

  it('go to the last of 32 bits', async () => {
    await new PivDesk({ card: { serialNumber: 0xffff_ffff } }).use(async ({ channel }) => {
      expect(await readSerial(channel)).toBe('4294967295');
    });
  });

  it('are unknown on a plain card', async () => {
    await new PivDesk({ card: { profile: 'plain' } }).use(async ({ channel }) => {
      expect(await readSerial(channel)).toBeUndefined();
      expect(await readVersion(channel)).toBeUndefined();
    });
  });
});

describe('metadata', () => {
  it('tells of PIN, PUK and management key', async () => {
    await new PivDesk({ card: { pinAttempts: 8, pukAttempts: 4, puk: '87654321' } }).use(async ({ channel, token }) => {
      await expect(token.verifyPin(PIN, secret('000000'))).rejects.toThrow();
      expect(await readMetadata(channel, 0x80)).toEqual({
        ...{ algorithmId: 0xff, isDefault: true, attemptsTotal: 8, attemptsRemaining: 7 },
      });
      expect(await readMetadata(channel, 0x81)).toMatchObject({ isDefault: false, attemptsTotal: 4, attemptsRemaining: 4 });
      expect(await readMetadata(channel, 0x9b)).toMatchObject({ algorithmId: 0x03, isDefault: true, touchPolicy: 'never' });
    });
  });

  it.each([
    ['P-256', makeEllipticKey('P-256')],
    ['P-384', makeEllipticKey('P-384')],
    ['RSA-2048', rsa2048Key()],
  ] as const)('tells of a key: %s', async (algorithm, key) => {
    for (const readerCarriesExtendedLength of [true, false]) {
      const card = { keys: { '9C': { ...describePrivateKey(key), touchPolicy: 2 } } };
      await new PivDesk({ card, readerCarriesExtendedLength }).use(async ({ token }) => {
        expect(await token.key('9c')).toEqual({
          ...{ keyReference: '9C', label: 'Digital Signature Key', usage: 'signature', pin: PIN, algorithm, origin: 'generated' },
          ...{ pinPolicy: 'always', touchPolicy: 'always', publicKey: spkiOf(key.publicKey) },
          ...(algorithm === 'RSA-2048' ? { abilities: ['sign block'] } : {}),
        });
      });
    }
  });

  it.each([
    ['an empty reference', { firmware: '5.4.3' }],
    ['firmware before 5.3', { firmware: '5.2.7' }],
    ['a plain card', { profile: 'plain' as const }],
  ])('is undefined for %s', async (_, card) => {
    await new PivDesk({ card }).use(async ({ channel, token }) => {
      expect(await readMetadata(channel, 0x9a)).toBeUndefined();
      expect(await token.key('9A')).toBeUndefined();
    });
  });

  it.each(['0101', '010111 0403860104', '010111 040186', '0101110404'])('that is %s is a CardDataError', async (data) => {
    const desk = new PivDesk();
    await desk.use(async ({ channel }) => {
      desk.reader.arm([{ kind: 'garbage', at: 1, response: `${data}9000` }]);
      await expect(readMetadata(channel, 0x9a)).rejects.toThrow(CardDataError);
    });
  });
});

describe('attestation', () => {
  it.each([true, false])('of a made key verifies up to the certificate in 5FFF01 (extended length: %s)', async (extended) => {
    await new PivDesk({ readerCarriesExtendedLength: extended }).use(async ({ channel, management }) => {
      await authenticateFactoryKey(management);
      const publicKey = await management.generateKey({ keyReference: '9A', algorithm: 'P-256' });
      const leaf = new X509Certificate(await attest(channel, '9A'));
      const content = await readDataObject(channel, YUBICO_ATTESTATION_CERTIFICATE_TAG);
      const root = new X509Certificate((content && decodeCertificateObject(content)) ?? new Uint8Array());
      expect(leaf.verify(root.publicKey)).toBe(true);
      expect(leaf.checkIssued(root)).toBe(true);
      expect(root.ca && root.verify(root.publicKey)).toBe(true);
      expect(spkiOf(leaf.publicKey)).toEqual(publicKey);
    });
  });

  it('is not given for an imported key, an empty reference, or by a plain card', async () => {
    const imported = { ...describePrivateKey(KEY), origin: 'imported' as const };
    await new PivDesk({ card: { keys: { '9A': imported } } }).use(async ({ channel }) => {
      await expect(attest(channel, '9A')).rejects.toThrow(StatusWordError);
      await expect(attest(channel, '9C')).rejects.toThrow(NotSupportedByCardError);
    });
    await new PivDesk({ card: { profile: 'plain' } }).use(async ({ channel }) => {
      await expect(attest(channel, '9A')).rejects.toThrow(NotSupportedByCardError);
    });
  });
});

describe('import', () => {
  const elliptic = (key: TestKey, algorithm: 'P-256' | 'P-384'): PrivateKeyParts => ({
    algorithm,
    scalar: fieldOf(key.privateKey, 'd'),
  });
  const rsa = ({ privateKey }: TestKey): PrivateKeyParts => ({
    algorithm: 'RSA-2048',
    crt: [
      fieldOf(privateKey, 'p'),
      fieldOf(privateKey, 'q'),
      fieldOf(privateKey, 'dp'),
      fieldOf(privateKey, 'dq'),
      fieldOf(privateKey, 'qi'),
    ],
  });
  const P384 = makeEllipticKey('P-384');
  const CASES = [
    ['P-256', 'ES256', 'sha256', KEY, elliptic(KEY, 'P-256')],
    ['P-384', 'ES384', 'sha384', P384, elliptic(P384, 'P-384')],
    ['RSA-2048', 'RS256', 'sha256', rsa2048Key(), rsa(rsa2048Key())],
  ] as const;

  it.each(CASES)('of %s makes a key that signs by %s with %s', async (algorithm, signature, hash, key, parts) => {
    for (const readerCarriesExtendedLength of [true, false]) {
      await new PivDesk({ readerCarriesExtendedLength }).use(async ({ channel, token, management }) => {
        await authenticateFactoryKey(management);
        await importKey(channel, '9E', parts);
        const message = Buffer.from('what is signed');
        const digest = new Uint8Array(createHash(hash).update(message).digest());
        const signed = await token.sign({ keyReference: '9E', algorithm }, signature, digest);
        expect(verify(hash, message, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, signed)).toBe(true);
        expect(await token.key('9E')).toMatchObject({ algorithm, origin: 'imported', publicKey: spkiOf(key.publicKey) });
      });
    }
  });

  it('wants the management key, and numbers that are a key', async () => {
    await new PivDesk().use(async ({ channel, management }) => {
      await expect(importKey(channel, '9A', elliptic(KEY, 'P-256'))).rejects.toThrow(SecurityStatusError);
      await authenticateFactoryKey(management);
      const zero: PrivateKeyParts = { algorithm: 'P-256', scalar: Secret.take(new Uint8Array(32)) };
      await expect(importKey(channel, '9A', zero)).rejects.toMatchObject({ name: 'StatusWordError', statusWord: 0x6a80 });
    });
  });

  it('is a NotSupportedByCardError on a plain card', async () => {
    await new PivDesk({ card: { profile: 'plain' } }).use(async ({ channel }) => {
      await expect(importKey(channel, '9A', elliptic(KEY, 'P-256'))).rejects.toThrow(NotSupportedByCardError);
    });
  });
});

describe('setting the management key', () => {
  it.each(MANAGEMENT_KEY_ALGORITHMS)('to $name makes the new one right and the old one wrong', async (algorithm) => {
    const key = (): Secret => Secret.take(parseHex(NEW_KEY.repeat(2)).subarray(0, algorithm.keyLength));
    const desk = new PivDesk({ card: { firmware: '5.7.1' } });
    await desk.use(async ({ channel, management }) => {
      await authenticateFactoryKey(management);
      await setManagementKey(channel, algorithm, key());
    });
    await desk.use(async ({ channel, management }) => {
      await expect(authenticateFactoryKey(management)).rejects.toThrow();
      await managementKeyOf(management).authenticate(key());
      expect(await readMetadata(channel, 0x9b)).toMatchObject({ algorithmId: algorithm.id, isDefault: false });
    });
  });

  it('wants the one before', async () => {
    const [algorithm] = MANAGEMENT_KEY_ALGORITHMS;
    if (!algorithm) throw new TypeError('there is 3DES');
    await new PivDesk().use(async ({ channel, management }) => {
      const set = (): Promise<void> => setManagementKey(channel, algorithm, Secret.take(parseHex(`${NEW_KEY}0011223344556677`)));
      await expect(set()).rejects.toThrow(SecurityStatusError);
      await authenticateFactoryKey(management);
      await set();
      await expect(authenticateFactoryKey(management)).rejects.toThrow(ManagementKeyRejectedError);
    });
  });
});

describe('deleting a key', () => {
  it('leaves its reference empty, and wants the management key and a key', async () => {
    await new PivDesk({ card: { firmware: '5.7.1', keys: { '9A': describePrivateKey(KEY) } } }).use(
      async ({ token, management }) => {
        await expect(management.deleteKey?.('9A')).rejects.toThrow(SecurityStatusError);
        await authenticateFactoryKey(management);
        await management.deleteKey?.('9A');
        expect(await token.key('9A')).toBeUndefined();
        await expect(management.deleteKey?.('9A')).rejects.toThrow(ObjectNotFoundError);
      },
    );
  });

  it('is a NotSupportedByCardError before firmware 5.7, and no ability of a plain card', async () => {
    await new PivDesk({ card: { firmware: '5.4.3' } }).use(async ({ management }) => {
      await authenticateFactoryKey(management);
      await expect(management.deleteKey?.('9A')).rejects.toThrow(NotSupportedByCardError);
    });
    await new PivDesk({ card: { profile: 'plain' } }).use(({ management }) => {
      expect('deleteKey' in management).toBe(false);
      return Promise.resolve();
    });
  });
});

describe('setting the number of tries', () => {
  it('wants management key and PIN, and sets PIN and PUK back to their defaults', async () => {
    await new PivDesk({ card: { pin: '246810', puk: '87654321' } }).use(async ({ channel, token, management }) => {
      await expect(setPinRetries(channel, 5, 4)).rejects.toThrow(SecurityStatusError);
      await authenticateFactoryKey(management);
      await expect(setPinRetries(channel, 5, 4)).rejects.toThrow(SecurityStatusError);
      await token.verifyPin(PIN, secret('246810'));
      await setPinRetries(channel, 5, 4);
      expect(await token.pin('81')).toMatchObject({ attemptsRemaining: 4, attemptsTotal: 4, isDefault: true });
      expect(await token.pin(PIN)).toMatchObject({ attemptsRemaining: 5, verified: false });
      await token.verifyPin(PIN, secret('123456'));
    });
  });
});

describe('resetting the application', () => {
  it('is refused while PIN or PUK has tries, and makes the card new when neither has', async () => {
    const desk = new PivDesk({ card: { pin: '246810', keys: { '9A': describePrivateKey(KEY) } } });
    await desk.use(async ({ channel, token }) => {
      const before = await readDataObject(channel, TAG_CHUID);
      await expect(resetApplication(channel)).rejects.toThrow(SecurityStatusError);
      await exhaust(() => token.verifyPin(PIN, secret('000000')));
      await expect(resetApplication(channel)).rejects.toMatchObject({ name: 'SecurityStatusError', statusWord: 0x6985 });
      await exhaust(() => token.unblockPin(PIN, secret('00000000'), secret('246810')));
      await resetApplication(channel);
      expect(await token.key('9A')).toBeUndefined();
      expect(await readDataObject(channel, TAG_CHUID)).not.toEqual(before);
      await token.verifyPin(PIN, secret('123456'));
    });
  });

  it('is a NotSupportedByCardError on a plain card', async () => {
    await new PivDesk({ card: { profile: 'plain' } }).use(async ({ channel }) => {
      await expect(resetApplication(channel)).rejects.toThrow(NotSupportedByCardError);
    });
  });
});

async function exhaust(attempt: () => ReturnType<Token['verifyPin']>): Promise<void> {
  for (;;) {
    try {
      await attempt();
      expect.fail('a wrong entry was taken');
    } catch (error) {
      if (error instanceof PinBlockedError) return;
      expect(error).toMatchObject({ name: 'PinRejectedError' });
    }
  }
}

import {
  constants,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  publicDecrypt,
  publicEncrypt,
  randomBytes,
  verify,
  type KeyObject,
} from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { findKeySlot } from '../../apdu/cards/piv/constants.ts';
import {
  AlgorithmNotSupportedError,
  CardDataError,
  KeyNotFoundError,
  ManagementKeyRejectedError,
  NotSupportedByCardError,
  PinFormatError,
  SecurityStatusError,
  StatusWordError,
} from '../../apdu/errors.ts';
import { parseHex } from '../../apdu/bytes.ts';
import { Secret } from '../../apdu/secret.ts';
import { SIGNATURE_SCHEMES, fitsKey } from '../../apdu/signature-encoding.ts';
import type { KeyAlgorithm, SignatureAlgorithm, Token } from '../../apdu/token.ts';
import type { PivCardOptions } from '../../drivers/simulated/cards/piv.ts';
import { PivDesk, authenticateFactoryKey, managementKeyOf, secret, type DeskOptions } from './piv-desk.ts';
import { describePrivateKey, makeEllipticKey, rsa2048Key, spkiOf } from './test-keys.ts';

const PIN = '80';
const MESSAGE = Buffer.from('what is signed');
const P256 = makeEllipticKey('P-256');
const P384 = makeEllipticKey('P-384');

const pointOf = (key: KeyObject): Uint8Array => {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Uint8Array.of(0x04, ...Buffer.from(x, 'base64url'), ...Buffer.from(y, 'base64url'));
};
const openSpki = (spki: Uint8Array): KeyObject => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });

/** Signs by every algorithm that goes with the key, and verifies each signature. Resolves with the algorithms. */
async function signAll(
  token: Token,
  keyReference: string,
  algorithm: KeyAlgorithm,
  publicKey: KeyObject,
): Promise<readonly string[]> {
  const fitting = (Object.keys(SIGNATURE_SCHEMES) as SignatureAlgorithm[]).filter((name) => fitsKey(name, algorithm));
  for (const name of fitting) {
    const { hash, family, digestLength } = SIGNATURE_SCHEMES[name];
    await token.verifyPin(PIN, secret('123456'));
    const digest = new Uint8Array(createHash(hash).update(MESSAGE).digest());
    const signature = await token.sign({ keyReference, algorithm }, name, digest);
    const options = {
      pkcs1: { key: publicKey },
      pss: { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: digestLength },
      ecdsa: { key: publicKey, dsaEncoding: 'ieee-p1363' as const },
    }[family];
    expect(verify(hash, MESSAGE, options, signature), name).toBe(true);
  }
  return fitting;
}

const RSA_SIGNATURES = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const SIGNATURES: Readonly<Record<'RSA-2048' | 'RSA-3072' | 'P-256' | 'P-384', readonly string[]>> = {
  'RSA-2048': RSA_SIGNATURES,
  'RSA-3072': RSA_SIGNATURES,
  'P-256': ['ES256'],
  'P-384': ['ES384'],
};
const WAYS: readonly [string, DeskOptions][] = [
  ['a yubikey with extended length', { card: { firmware: '5.7.1' } }],
  ['a plain card with short length', { card: { profile: 'plain' } }],
];

describe.each(WAYS)('a key made on %s', (_, options) => {
  it.each(['RSA-2048', 'RSA-3072', 'P-256', 'P-384'] as const)(
    'of %s makes signatures that verify, by every algorithm',
    async (algorithm) => {
      await new PivDesk(options).use(async ({ token, management }) => {
        await authenticateFactoryKey(management);
        const spki = await management.generateKey({ keyReference: '9A', algorithm });
        expect(await signAll(token, '9A', algorithm, openSpki(spki))).toEqual(SIGNATURES[algorithm]);
      });
    },
  );

  it('takes the place of the one before', async () => {
    await new PivDesk(options).use(async ({ token, management }) => {
      await authenticateFactoryKey(management);
      const first = await management.generateKey({ keyReference: '9a', algorithm: 'P-256' });
      const second = await management.generateKey({ keyReference: '9A', algorithm: 'P-256' });
      expect(second).not.toEqual(first);
      expect(await signAll(token, '9A', 'P-256', openSpki(second))).toEqual(['ES256']);
    });
  });

  it('is not made without the management key', async () => {
    await new PivDesk(options).use(async ({ management }) => {
      await expect(management.generateKey({ keyReference: '9A', algorithm: 'P-256' })).rejects.toThrow(SecurityStatusError);
    });
  });
});

describe('making a key', () => {
  it('is refused for an algorithm that the card has not', async () => {
    await new PivDesk({ card: { profile: 'plain' } }).use(async ({ management }) => {
      await authenticateFactoryKey(management);
      const outcome = management.generateKey({ keyReference: '9A', algorithm: 'RSA-1024' });
      await expect(outcome).rejects.toThrow(AlgorithmNotSupportedError);
    });
  });

  it('sets the policies asked for on a yubikey, and a plain card refuses them', async () => {
    const options = { keyReference: '9A', algorithm: 'P-256', pinPolicy: 'always', touchPolicy: 'cached' } as const;
    await new PivDesk().use(async ({ token, management }) => {
      await authenticateFactoryKey(management);
      const publicKey = await management.generateKey(options);
      expect(await token.key('9A')).toMatchObject({ ...options, origin: 'generated', publicKey });
    });
    await new PivDesk({ card: { profile: 'plain' } }).use(async ({ management }) => {
      await authenticateFactoryKey(management);
      await expect(management.generateKey(options)).rejects.toThrow(AlgorithmNotSupportedError);
    });
  });
});

describe('using a key', () => {
  const keys = { '9A': P256, '9C': P256, '9D': P384, '9E': P256 };
  const card: PivCardOptions = {
    keys: Object.fromEntries(Object.entries(keys).map(([reference, key]) => [reference, describePrivateKey(key)])),
  };
  const digest = new Uint8Array(createHash('sha256').update(MESSAGE).digest());
  const sign = (token: Token, keyReference: string): Promise<Uint8Array> =>
    token.sign({ keyReference, algorithm: 'P-256' }, 'ES256', digest);

  it('wants the PIN never for 9E, once for 9A, and right before each use for 9C', async () => {
    await new PivDesk({ card }).use(async ({ token }) => {
      await sign(token, '9E');
      for (const reference of ['9A', '9C']) await expect(sign(token, reference)).rejects.toThrow(SecurityStatusError);
      await token.verifyPin(PIN, secret('123456'));
      await sign(token, '9C');
      await expect(sign(token, '9C')).rejects.toMatchObject({
        name: 'SecurityStatusError',
        statusWord: 0x6982,
        instruction: 0x87,
      });
      await sign(token, '9A');
      await sign(token, '9A');
    });
  });

  it('is a KeyNotFoundError where there is none, or one of another algorithm', async () => {
    const { '9A': only } = card.keys ?? {};
    await new PivDesk({ card: { keys: only ? { '9A': only } : {} } }).use(async ({ token }) => {
      await token.verifyPin(PIN, secret('123456'));
      await expect(sign(token, '9D')).rejects.toMatchObject({ name: 'KeyNotFoundError', statusWord: 0x6a88 });
      const other = token.sign({ keyReference: '9A', algorithm: 'P-384' }, 'ES384', new Uint8Array(48));
      await expect(other).rejects.toThrow(KeyNotFoundError);
    });
  });

  it.each<[string, (token: Token) => Promise<unknown>, new (message: string) => Error]>([
    ['a reference that PIV has not', (token) => sign(token, '9B'), KeyNotFoundError],
    [
      'an algorithm that the key has not',
      (token) => token.sign({ keyReference: '9A', algorithm: 'P-256' }, 'RS256', digest),
      AlgorithmNotSupportedError,
    ],
    [
      'a digest of another hash',
      (token) => token.sign({ keyReference: '9A', algorithm: 'P-256' }, 'ES256', new Uint8Array(20)),
      AlgorithmNotSupportedError,
    ],
    [
      'PS512 by an RSA-1024 key',
      (token) => token.sign({ keyReference: '9A', algorithm: 'RSA-1024' }, 'PS512', new Uint8Array(64)),
      AlgorithmNotSupportedError,
    ],
    [
      'a peer off the curve',
      async (token) => token.agree?.('9A', 'P-256', Uint8Array.of(4, ...new Uint8Array(64).fill(7))),
      CardDataError,
    ],
    ['a cryptogram of another length', async (token) => token.decipher?.('9A', 'RSA-2048', new Uint8Array(255)), CardDataError],
  ])('sends nothing for %s', async (_, run, expected) => {
    const desk = new PivDesk({ card });
    await desk.use(async ({ token }) => {
      expect(await desk.count(() => expect(run(token)).rejects.toThrow(expected))).toBe(0);
    });
  });

  it.each([
    ['9A', 'P-256', P256],
    ['9D', 'P-384', P384],
  ] as const)('agrees by %s on what the peer computes too (%s)', async (reference, namedCurve, key) => {
    await new PivDesk({ card }).use(async ({ token }) => {
      await token.verifyPin(PIN, secret('123456'));
      for (let round = 0; round < 5; round++) {
        const peer = generateKeyPairSync('ec', { namedCurve });
        const shared = await token.agree?.(reference, namedCurve, pointOf(peer.publicKey));
        expect(Buffer.from(shared ?? [])).toEqual(diffieHellman({ privateKey: peer.privateKey, publicKey: key.publicKey }));
      }
    });
  });
});

describe.each([
  ['extended', true],
  ['short', false],
])('an RSA-2048 key over %s length', (_, readerCarriesExtendedLength) => {
  const makeDesk = (): PivDesk =>
    new PivDesk({ readerCarriesExtendedLength, card: { keys: { '9D': describePrivateKey(rsa2048Key()) } } });

  it('deciphers: the padded block comes back whole, zeros in front included', async () => {
    await makeDesk().use(async ({ token }) => {
      await token.verifyPin(PIN, secret('123456'));
      const block = Buffer.concat([Buffer.of(0x00, 0x02), randomBytes(251).map((byte) => byte | 1), Buffer.of(0x00, 0xaa, 0xbb)]);
      const cryptogram = publicEncrypt({ key: rsa2048Key().publicKey, padding: constants.RSA_NO_PADDING }, block);
      expect(Buffer.from((await token.decipher?.('9D', 'RSA-2048', cryptogram)) ?? [])).toEqual(block);
    });
  });

  it('signs a block as it is', async () => {
    await makeDesk().use(async ({ token }) => {
      await token.verifyPin(PIN, secret('123456'));
      const block = Buffer.alloc(256, 7);
      const signature = (await token.signBlock?.('9D', 'RSA-2048', block)) ?? new Uint8Array();
      expect(publicDecrypt({ key: rsa2048Key().publicKey, padding: constants.RSA_NO_PADDING }, signature)).toEqual(block);
      await expect(token.signBlock?.('9D', 'RSA-2048', block.subarray(1))).rejects.toThrow(CardDataError);
    });
  });

  it('makes signatures that verify, by every algorithm', async () => {
    const { publicKey } = rsa2048Key();
    await makeDesk().use(async ({ token }) => {
      expect(await signAll(token, '9D', 'RSA-2048', openSpki(spkiOf(publicKey)))).toEqual(RSA_SIGNATURES);
    });
  });

  it('goes in one exchange over extended length, and else in two links and one GET RESPONSE', async () => {
    const desk = makeDesk();
    await desk.use(async ({ token }) => {
      await token.verifyPin(PIN, secret('123456'));
      const exchanges = await desk.count(() =>
        token.sign({ keyReference: '9D', algorithm: 'RSA-2048' }, 'RS256', new Uint8Array(32)),
      );
      expect(exchanges).toBe(readerCarriesExtendedLength ? 1 : 3);
    });
  });
});

const MANAGEMENT_KEYS = [
  ['3DES', '010203040506070811121314151617182122232425262728'],
  ['AES-128', '00112233445566778899AABBCCDDEEFF'],
  ['AES-192', '00112233445566778899AABBCCDDEEFF0011223344556677'],
  ['AES-256', '00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF'],
] as const;

describe.each(MANAGEMENT_KEYS)('a management key of %s', (algorithm, key) => {
  const take = (text: string): Secret => Secret.take(parseHex(text));

  describe.each(['yubikey', 'plain'] as const)('on a %s card', (profile) => {
    let desk = new PivDesk();
    beforeAll(() => {
      desk = new PivDesk({ card: { profile, managementKey: { algorithm, key } } });
    });

    it('is proved, and lets a key be made', async () => {
      await desk.use(async ({ management }) => {
        await managementKeyOf(management).authenticate(take(key));
        await management.generateKey({ keyReference: '9A', algorithm: 'P-256' });
      });
    });

    it('is refused when it is another, and lets nothing be done', async () => {
      await desk.use(async ({ management }) => {
        const outcome = managementKeyOf(management).authenticate(take(`FF${key.slice(2)}`));
        await expect(outcome).rejects.toThrow(ManagementKeyRejectedError);
        await expect(outcome).rejects.toMatchObject({ statusWord: 0x6982, instruction: 0x87 });
        await expect(management.generateKey({ keyReference: '9A', algorithm: 'P-256' })).rejects.toThrow(SecurityStatusError);
      });
    });

    it('of impossible length is never sent', async () => {
      await desk.use(async ({ management }) => {
        const before = desk.commands.length;
        for (const length of [0, 8, 23, 33])
          await expect(managementKeyOf(management).authenticate(Secret.take(new Uint8Array(length)))).rejects.toThrow(
            PinFormatError,
          );
        expect(desk.commands.slice(before).filter((command) => command.startsWith('0087'))).toEqual([]);
      });
    });

    it('is not believed when the card cannot prove that it knows it too', async () => {
      await desk.use(async ({ management }) => {
        const blockLength = algorithm === '3DES' ? 8 : 16;
        const head = `7C${(blockLength + 2).toString(16).padStart(2, '0')}82${blockLength.toString(16).padStart(2, '0')}`;
        const response = `${head}${'00'.repeat(blockLength)}9000`;
        const at = profile === 'yubikey' || algorithm === 'AES-192' ? 3 : 2; // metadata, or the witness of 3DES asked for in vain
        desk.reader.arm([{ kind: 'garbage', at, response }]);
        await expect(managementKeyOf(management).authenticate(take(key))).rejects.toThrow(/did not prove/);
        desk.reader.disarm();
      });
    });
  });
});

describe('the management key', () => {
  it('of another algorithm than the card says is a PinFormatError, though its length would do', async () => {
    await new PivDesk({ card: { managementKey: { algorithm: 'AES-128', key: '00'.repeat(16) } } }).use(async ({ management }) => {
      await expect(authenticateFactoryKey(management)).rejects.toThrow(PinFormatError);
    });
  });

  it('that fits no algorithm which the card takes is a NotSupportedByCardError', async () => {
    const card: PivCardOptions = { profile: 'plain', managementKey: { algorithm: 'AES-128', key: '00'.repeat(16) } };
    await new PivDesk({ card }).use(async ({ management }) => {
      await expect(authenticateFactoryKey(management)).rejects.toThrow(NotSupportedByCardError);
    });
  });

  it('is found by trial when metadata is refused', async () => {
    const desk = new PivDesk({ card: { firmware: '5.7.1' } });
    await desk.use(async ({ management }) => {
      desk.reader.arm([{ kind: 'statusWord', at: 1, statusWord: '6F00' }]);
      await authenticateFactoryKey(management);
      await management.generateKey({ keyReference: '9A', algorithm: 'P-256' });
    });
  });

  it('is an error with the raw status word when the card fails at it', async () => {
    const desk = new PivDesk();
    await desk.use(async ({ management }) => {
      desk.reader.arm([{ kind: 'statusWord', at: 2, statusWord: '6F00' }]);
      const outcome = authenticateFactoryKey(management);
      await expect(outcome).rejects.toThrow(StatusWordError);
      await expect(outcome).rejects.toMatchObject({ statusWord: 0x6f00 });
    });
  });
});

describe('findKeySlot', () => {
  it('knows 9A, 9C, 9D, 9E and 82 to 95 in either case, and nothing else of all references', () => {
    const known = Array.from({ length: 256 }, (_, reference) => reference.toString(16).padStart(2, '0')).filter(
      (reference) => findKeySlot(reference) !== undefined,
    );
    const retired = Array.from({ length: 20 }, (_, index) => (0x82 + index).toString(16));
    expect(known).toEqual([...retired, '9a', '9c', '9d', '9e']);
    expect(known.every((reference) => findKeySlot(reference) === findKeySlot(reference.toUpperCase()))).toBe(true);
    expect(findKeySlot('95')?.certificateTag).toBe(0x5fc120);
  });
});

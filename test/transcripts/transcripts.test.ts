import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../apdu/bytes.ts';
import { openChannel } from '../../apdu/card-channel.ts';
import type { CardConnection } from '../../apdu/card-connection.ts';
import { createPivProfile } from '../../apdu/cards/piv.ts';
import { TAG_CHUID, TAG_DISCOVERY } from '../../apdu/cards/piv/constants.ts';
import { readDataObject, writeDataObject } from '../../apdu/cards/piv/data.ts';
import { MANAGEMENT_KEY_ALGORITHMS, authenticateManagementKey } from '../../apdu/cards/piv/management-key.ts';
import { decodeDiscovery } from '../../apdu/cards/piv/objects.ts';
import { readMetadata, readSerial, readVersion, setManagementKey } from '../../apdu/cards/piv/yubico.ts';
import { Secret } from '../../apdu/secret.ts';
import { openApplication } from '../../apdu/select.ts';
import { ecdsaFromDer } from '../../apdu/signature-encoding.ts';
import { decodeFirstTlv } from '../../apdu/tlv/ber-tlv.ts';
import type { Token, TokenManagement } from '../../apdu/token.ts';
import { createPivCard, type PivCardOptions } from '../../drivers/simulated/cards/piv.ts';
import { parseTranscript, readTranscripts, type Transcript } from './transcript.ts';

const YUBIKEY_ATR = parseHex('3BFD1300008131FE158073C021C057597562694B657940');
/** What the blocks in the transcripts were computed with. */
const WITNESS_8 = '0011223344556677';
const WITNESS_16 = '00112233445566778899AABBCCDDEEFF';
const CHALLENGE_8 = '8899AABBCCDDEEFF';
const CHALLENGE_16 = '0F0E0D0C0B0A09080706050403020100';
const CHUID_CONTENT = parseHex(
  '3019D4E739DA739CED39CE739D836858210842108421C84210C3EB 3410A0A1A2A3A4A5A6A7A8A9AAABACADAEAF 35083230333030313031 3E00 FE00',
);
const CHUID = { '5FC102': Buffer.from(CHUID_CONTENT).toString('base64') };
const SERIAL_NUMBER = 12_345_678;

/** RFC 6979, appendix A.2.5. */
const RFC_KEY = {
  kty: 'EC',
  crv: 'P-256',
  ...{
    d: base64url('C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721'),
    x: base64url('60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6'),
    y: base64url('7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299'),
  },
};
const RFC_PUBLIC_KEY = createPublicKey({ key: RFC_KEY, format: 'jwk' });
const RFC_R = 'EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716';
const RFC_S = 'F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8';

interface Host {
  readonly channel: ReturnType<typeof openChannel>;
  readonly token: Token;
  readonly management: TokenManagement;
}

interface Replay {
  /** The card that answers as the transcript has it. */
  readonly card: PivCardOptions;
  /** Random bytes that the card draws once it is made. */
  readonly witness?: string;
  /** What kortd does, after SELECT. Absent: commands that only other hosts send. */
  readonly host?: (host: Host) => Promise<void>;
  /** Looks at the responses of the simulated card. */
  readonly check?: (responses: readonly Uint8Array[]) => void;
}

const pin = (digits: string): Secret => Secret.fromText(digits);
const outcome = (promise: Promise<void>): Promise<unknown> =>
  promise.then(
    () => 'right',
    (error: unknown) => (error as Error).name,
  );

/** By the algorithm that the transcript is about: metadata has transcripts of its own. */
async function authenticate({ channel, management }: Host, algorithmId = 0x03): Promise<void> {
  using managementKey = management.managementKey?.factoryKey();
  if (!managementKey) throw new Error('PIV has a management key');
  const challenges = new Map([8, 16].map((length) => [length, parseHex(length === 8 ? CHALLENGE_8 : CHALLENGE_16)]));
  await authenticateManagementKey(channel, {
    managementKey,
    algorithmId,
    randomBytes: (length) => challenges.get(length) ?? new Uint8Array(),
  });
}

const REPLAYS: Readonly<Record<string, Replay>> = {
  certificate: {
    card: {},
    witness: WITNESS_8,
    host: async (host) => {
      await authenticate(host);
      await host.management.writeCertificate('9A', parseHex('300100'));
      await host.management.deleteCertificate('9A');
    },
  },
  'change-and-unblock': {
    card: {},
    host: async ({ token }) => {
      await token.changePin('80', pin('123456'), pin('654321'));
      await token.changePin('81', pin('12345678'), pin('87654321'));
      expect(await outcome(token.unblockPin('80', pin('12345678'), pin('123456')))).toBe('PinRejectedError');
      await token.unblockPin('80', pin('87654321'), pin('123456'));
      await token.verifyPin('80', pin('123456'));
    },
  },
  discovery: {
    card: {},
    host: async ({ channel }) => {
      const content = await readDataObject(channel, TAG_DISCOVERY);
      expect(content && decodeDiscovery(content)).toMatchObject({
        pinSatisfiesAccessRules: true,
        globalPinSatisfiesAccessRules: false,
      });
    },
  },
  'external-authentication-3des': { card: {}, witness: WITNESS_8 },
  'generate-p-256': {
    card: {},
    witness: WITNESS_8,
    host: async (host) => {
      await authenticate(host);
      const spki = await host.management.generateKey({ keyReference: '9A', algorithm: 'P-256' });
      expect(formatHex(spki)).toMatch(/^3059301306072A8648CE3D020106082A8648CE3D030107034200046B17D1F2.*37BF51F5$/);
    },
    check: (responses) => expect(responses.at(-1)?.length).toBe(70 + 2),
  },
  'generate-rsa-2048': {
    card: {},
    witness: WITNESS_8,
    host: async (host) => {
      await authenticate(host);
      const spki = await host.management.generateKey({ keyReference: '9C', algorithm: 'RSA-2048' });
      const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
      expect(key.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048, publicExponent: 65_537n });
    },
  },
  'mutual-authentication-3des': { card: {}, witness: WITNESS_8, host: (host) => authenticate(host) },
  'mutual-authentication-aes-192': { card: { firmware: '5.7.1' }, witness: WITNESS_16, host: (host) => authenticate(host, 0x0a) },
  'opensc-bind': { card: {} },
  'opensc-get-data-le-08': { card: { objects: CHUID } },
  select: { card: {}, host: () => Promise.resolve() },
  'serial-and-metadata': {
    card: { serialNumber: SERIAL_NUMBER },
    host: async ({ channel }) => {
      expect(await readSerial(channel)).toBe('12345678');
      expect(await readVersion(channel)).toBe('5.4.3');
      expect(await readMetadata(channel, 0x80)).toMatchObject({ isDefault: true, attemptsTotal: 3, attemptsRemaining: 3 });
      expect(await readMetadata(channel, 0x9b)).toMatchObject({ algorithmId: 0x03, isDefault: true });
      expect(await readMetadata(channel, 0x9a)).toBeUndefined();
    },
  },
  'set-chuid': {
    card: {},
    witness: WITNESS_8,
    host: async (host) => {
      await authenticate(host);
      await writeDataObject(host.channel, TAG_CHUID, CHUID_CONTENT);
      expect(await readDataObject(host.channel, TAG_CHUID)).toEqual(CHUID_CONTENT);
    },
  },
  'set-management-key': {
    card: {},
    witness: WITNESS_8,
    host: async (host) => {
      await authenticate(host);
      using key = Secret.take(Uint8Array.from({ length: 24 }, (_, index) => 2 * (index + 1)));
      for (const algorithm of MANAGEMENT_KEY_ALGORITHMS.filter(({ name }) => name === '3DES'))
        await setManagementKey(host.channel, algorithm, key);
    },
  },
  'sign-p-256': {
    card: {
      keys: {
        '9C': {
          privateKey: createPrivateKey({ key: RFC_KEY, format: 'jwk' })
            .export({ format: 'der', type: 'pkcs8' })
            .toString('base64'),
        },
      },
    },
    host: async ({ token }) => {
      await token.verifyPin('80', pin('123456'));
      const digest = parseHex('AF2BDBE1AA9B6EC1E2ADE1D694F41FC71A831D0268E9891562113D8A62ADD1BF');
      const signature = await token.sign({ keyReference: '9C', algorithm: 'P-256' }, 'ES256', digest);
      expect(formatHex(signature)).toBe(RFC_R + RFC_S);
      expectSignatureOfSample(signature);
    },
    check: (responses) => {
      const template = decodeFirstTlv(responses.at(-1) ?? new Uint8Array()).object;
      expectSignatureOfSample(ecdsaFromDer(decodeFirstTlv(template.value).object.value, 32));
    },
  },
  verify: {
    card: {},
    host: async ({ token }) => {
      expect(await token.pin('80')).toMatchObject({ attemptsRemaining: 3, verified: false });
      await token.verifyPin('80', pin('123456'));
      expect(await token.pin('80')).toMatchObject({ verified: true });
      expect(await outcome(token.verifyPin('80', pin('000000')))).toBe('PinRejectedError');
      expect(await outcome(token.verifyPin('80', pin('000000')))).toBe('PinRejectedError');
      expect(await token.pin('80')).toMatchObject({ attemptsRemaining: 1 });
      expect(await outcome(token.verifyPin('80', pin('000000')))).toBe('PinBlockedError');
      expect(await outcome(token.verifyPin('80', pin('123456')))).toBe('PinBlockedError');
      expect(await token.pin('80')).toMatchObject({ attemptsRemaining: 0 });
    },
  },
  'verify-forms': { card: {} },
  'yubico-piv-tool-authentication': { card: {}, witness: WITNESS_8 },
  'yubico-piv-tool-status': { card: { serialNumber: SERIAL_NUMBER, objects: CHUID } },
};

const TRANSCRIPTS = readTranscripts();
const HOSTED = TRANSCRIPTS.filter(({ name }) => REPLAYS[name]?.host !== undefined);

describe('transcripts', () => {
  it('are each replayed, and each replay has its transcript', () => {
    expect(TRANSCRIPTS.map(({ name }) => name)).toEqual(Object.keys(REPLAYS).sort());
  });

  it.each(TRANSCRIPTS)(
    '$name names its document, its card and what was redacted, and has exchanges',
    ({ title, fields, exchanges }) => {
      expect(title).toMatch(/\.$/);
      expect([...fields.keys()]).toEqual(['Document', 'Card', 'Redacted']);
      expect([...fields.values()].every((value) => value.length > 5)).toBe(true);
      expect(exchanges.length).toBeGreaterThan(0);
    },
  );

  it('that are not written as they should be are a SyntaxError', () => {
    for (const text of ['> 00', '< 9000\n> 00', '> 0\n< 9000', '> 00A4\n> 00A4', '> 00A4\n< xx', '>00A4\n<9000'])
      expect(() => parseTranscript('x', `# X.\n\n${text}\n`), text).toThrow(SyntaxError);
  });
});

describe('kortd sends exactly the commands of', () => {
  it.each(HOSTED)('$name, given the responses', async (transcript) => {
    const { connection, remaining } = replayCard(transcript);
    const channel = openChannel(connection);
    const { token } = await openApplication(channel, createPivProfile());
    if (!token?.management) throw new TypeError('PIV has a token with management');
    await REPLAYS[transcript.name]?.host?.({ channel, token, management: token.management });
    expect(remaining()).toBe(0);
  });
});

describe('the simulated card gives the responses of', () => {
  it.each(TRANSCRIPTS)('$name, given the commands', async ({ name, exchanges }) => {
    const { card: options, witness, check } = REPLAYS[name] ?? { card: {} };
    let random = (length: number): Uint8Array => new Uint8Array(length).fill(0x5a);
    const card = createPivCard({ extendedLength: false, ...options, randomBytes: (length) => random(length) });
    random = () => parseHex(witness ?? '');
    const responses: Uint8Array[] = [];
    card.powerUp();
    for (const [index, { command, pattern }] of exchanges.entries()) {
      const response = await card.process(parseHex(command));
      expect(formatHex(response), `answer ${index + 1}, to ${command}`).toMatch(pattern);
      responses.push(response);
    }
    check?.(responses);
  });
});

/** Answers as the transcript does, as long as it is asked as in the transcript. */
function replayCard({ exchanges }: Transcript): { readonly connection: CardConnection; readonly remaining: () => number } {
  let next = 0;
  const connection: CardConnection = {
    atr: YUBIKEY_ATR,
    supportsExtendedLength: false,
    transmit: (command) => {
      const exchange = exchanges[next++];
      expect(formatHex(command), `command ${next}`).toBe(exchange?.command);
      return Promise.resolve(parseHex(exchange?.response ?? ''));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { connection, remaining: () => exchanges.length - next };
}

function expectSignatureOfSample(signature: Uint8Array): void {
  expect(verify('sha256', Buffer.from('sample'), { key: RFC_PUBLIC_KEY, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
}

function base64url(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64url');
}

/** What kortd knows of passports against the simulated one, which was written from the same document on its own: every way in, every cipher, every group. */
import { constants, createHash, createPublicKey, publicDecrypt, randomBytes, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat, formatHex, parseHex } from '../../apdu/bytes.ts';
import { DocumentAccessError, SecureMessagingError } from '../../apdu/errors.ts';
import { performBac } from '../../apdu/icao9303/bac.ts';
import { performPace, type PacePassword, type PaceResult } from '../../apdu/icao9303/pace.ts';
import { standardizedGroup, toBytes } from '../../apdu/icao9303/agreement-group.ts';
import { deriveKey } from '../../apdu/icao9303/key-derivation.ts';
import { paceInfosOf, parseSecurityInfos, type PaceInfo } from '../../apdu/icao9303/security-infos.ts';
import { parseMrz } from '../../apdu/icao9303/mrz.ts';
import { rawExchange, withCommandChaining, type Exchange } from '../../apdu/iso7816/exchange.ts';
import { CIPHER_SUITES, type CipherSuiteName } from '../../apdu/secure-messaging/cipher-suite.ts';
import { withSecureMessaging } from '../../apdu/secure-messaging/secure-messaging.ts';
import { decodeFirstTlv, decodeTlv, encodeTlv, requireTlv } from '../../apdu/tlv/ber-tlv.ts';
import { createEmrtdCard, type EmrtdCardOptions, type SimulatedEmrtdCard } from '../../drivers/simulated/cards/emrtd.ts';
import type { PaceVariant } from '../../drivers/simulated/cards/emrtd/chip.ts';
import { chipAuthenticationOid } from '../../drivers/simulated/cards/emrtd/protocols.ts';

const APPLICATION = parseHex('A0000002471001');
const drawn = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

interface Desk {
  readonly card: SimulatedEmrtdCard;
  readonly exchange: Exchange;
}

function place(options: EmrtdCardOptions): Desk {
  const card = createEmrtdCard({
    ...options,
    onInternalError: (error) => {
      throw error;
    },
  });
  return { card, exchange: rawExchange((command) => Promise.resolve(card.process(command))) };
}

/** One exchange each, as much as fits. */
async function read(exchange: Exchange, shortId: number, ne = 65_536): Promise<Uint8Array> {
  const { data, statusWord } = await exchange({ cla: 0, ins: 0xb0, p1: 0x80 | shortId, p2: 0, ne });
  expect(formatHex(Uint8Array.of(statusWord >> 8, statusWord & 0xff))).toBe('9000');
  return data;
}

/** A file of less than 32 kB, by what fits short responses. */
async function readInParts(exchange: Exchange, shortId: number): Promise<Uint8Array> {
  const parts = [await read(exchange, shortId, 223)];
  const total = decodeLength(parts[0] ?? new Uint8Array());
  for (let offset = 223; offset < total; offset += 223) {
    const ne = Math.min(223, total - offset);
    parts.push((await exchange({ cla: 0, ins: 0xb0, p1: offset >> 8, p2: offset & 0xff, ne })).data);
  }
  return concat(...parts);
}

/** Of the whole object, its length being in two bytes. */
function decodeLength(head: Uint8Array): number {
  expect(head[1]).toBe(0x82);
  return 4 + (((head[2] ?? 0) << 8) | (head[3] ?? 0));
}

async function selectApplication(exchange: Exchange): Promise<void> {
  const { statusWord } = await exchange({ cla: 0, ins: 0xa4, p1: 0x04, p2: 0x0c, data: APPLICATION });
  expect(statusWord).toBe(0x9000);
}

async function paceInfo(exchange: Exchange): Promise<PaceInfo> {
  const [info] = paceInfosOf(parseSecurityInfos(await read(exchange, 0x1c)));
  if (!info) throw new Error('the chip offers no PACE');
  return info;
}

function passwordOf({ printed }: SimulatedEmrtdCard, kind: 'can' | 'mrz' = 'mrz'): PacePassword {
  return kind === 'mrz' ? { kind, information: printed.mrzInformation } : { kind, number: printed.can ?? '' };
}

async function openByBac({ card, exchange }: Desk): Promise<Exchange> {
  await selectApplication(exchange);
  return withSecureMessaging(exchange, await performBac({ exchange }, card.printed.mrzInformation, drawn));
}

async function openByPace(desk: Desk, password = passwordOf(desk.card)): Promise<{ secure: Exchange; result: PaceResult }> {
  const result = await performPace({ exchange: desk.exchange }, await paceInfo(desk.exchange), password, drawn);
  const secure = withSecureMessaging(desk.exchange, result.session);
  return { secure, result };
}

/** DG1 comes out, and is what is printed. */
async function expectOpen({ card }: Desk, secure: Exchange): Promise<void> {
  const zone = requireTlv(decodeTlv(decodeFirstTlv(await read(secure, 0x01)).object.value), 0x5f1f);
  const mrz = parseMrz(Buffer.from(zone).toString('latin1'));
  expect(mrz.lines).toEqual(card.printed.mrz);
  expect(mrz.isConsistent).toBe(true);
  expect(mrz.information).toBe(card.printed.mrzInformation);
}

const SUITES: readonly CipherSuiteName[] = ['3DES', 'AES-128', 'AES-192', 'AES-256'];
const CURVES = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];
const PRIMES = [0, 1, 2];

/** Every mapping with every cipher on one group of each kind, and with one cipher on every group. */
function variants(): readonly PaceVariant[] {
  const rows: PaceVariant[] = [];
  const add = (mapping: PaceVariant['mapping'], suite: CipherSuiteName, parameters: number): void => {
    if (mapping === 'integrated' && parameters === 10) return;
    if (!rows.some((one) => one.mapping === mapping && one.suite === suite && one.parameters === parameters))
      rows.push({ mapping, suite, parameters });
  };
  for (const mapping of ['generic', 'integrated', 'chip authentication'] as const) {
    for (const suite of SUITES) {
      if (mapping === 'chip authentication' && suite === '3DES') continue;
      add(mapping, suite, 13);
      if (mapping !== 'chip authentication') add(mapping, suite, 0);
    }
    for (const parameters of mapping === 'chip authentication' ? CURVES : [...PRIMES, ...CURVES])
      add(mapping, 'AES-128', parameters);
  }
  return rows;
}

describe('PACE with the simulated chip', () => {
  it.each(variants().map((one) => [one.mapping, one.suite, one.parameters, one] as const))(
    'by %s mapping, %s, parameters %d',
    async (mapping, suite, parameters, variant) => {
      const desk = place({ pace: [variant], chipAuthentication: { suite: suite === '3DES' ? 'AES-128' : suite, parameters } });
      const { secure, result } = await openByPace(desk);
      if (mapping === 'chip authentication') await expectChipProved(parameters, result, secure);
      await selectApplication(secure);
      await expectOpen(desk, secure);
    },
  );

  it('opens by the number on a card', async () => {
    const desk = place({ persona: 'bjorn' });
    const { secure } = await openByPace(desk, passwordOf(desk.card, 'can'));
    await selectApplication(secure);
    await expectOpen(desk, secure);
  });

  it('does not open by another zone or number, and then by the right one', async () => {
    const desk = place({ persona: 'bjorn', canTries: 3 });
    for (const wrong of [{ kind: 'can', number: '000000' } as const, { kind: 'mrz', information: 'X'.repeat(24) } as const])
      await expect(openByPace(desk, wrong)).rejects.toThrow(DocumentAccessError);
    await openByPace(desk, passwordOf(desk.card, 'can'));
  });

  it('goes on after BAC, at the master file', async () => {
    const desk = place({});
    const secure = await openByBac(desk);
    await secure({ cla: 0, ins: 0xa4, p1: 0, p2: 0x0c, data: parseHex('3F00') });
    const again = await performPace({ exchange: secure }, await paceInfo(secure), passwordOf(desk.card), drawn);
    const within = withSecureMessaging(desk.exchange, again.session);
    await selectApplication(within);
    await expectOpen(desk, within);
  });
});

/** PK_map = scalar · PK_chip, the chip's key being that of EF.CardSecurity (9303-11, section 4.4.3.3.3). */
async function expectChipProved(parameters: number, { chipAuthentication }: PaceResult, secure: Exchange): Promise<void> {
  const security = await read(secure, 0x1d);
  const group = standardizedGroup(parameters);
  const point = pointIn(security, group?.generator.length ?? 0);
  if (!group || !chipAuthentication) throw new Error('the chip proves nothing');
  const proved = group.power(point, chipAuthentication.scalar);
  expect(formatHex(proved)).toBe(formatHex(chipAuthentication.mappingKey));
}

/** In the one BIT STRING that a point of this length is in. */
function pointIn(bytes: Uint8Array, length: number): Uint8Array {
  const head = [(length + 1) & 0xff, 0x00, 0x04];
  for (let at = 0; at + length <= bytes.length; at++)
    if (head.every((byte, index) => bytes[at - 2 + index] === byte)) return bytes.subarray(at, at + length);
  throw new Error('there is no point');
}

describe('BAC with the simulated chip', () => {
  it.each(['anna', 'cecilia', 'david', 'specimen'])('opens the passport of %s', async (persona) => {
    const desk = place({ persona });
    const exchange = await openByBac(desk);
    const zone = await read(exchange, 0x01, 256);
    expect(formatHex(zone)).toContain(formatHex(Buffer.from(desk.card.printed.mrz.join(''), 'latin1')));
  });

  it('does not open by another zone', async () => {
    const { exchange } = place({});
    await selectApplication(exchange);
    await expect(performBac({ exchange }, 'X'.repeat(24), drawn)).rejects.toThrow(DocumentAccessError);
  });
});

describe('files of the simulated chip', () => {
  it.each(['3DES', 'AES-256'] as const)('are read in pieces and whole to the same bytes, %s', async (suite) => {
    const desk = place({ portraitBytes: 40_000, pace: [{ mapping: 'generic', suite, parameters: 12 }] });
    const { secure } = await openByPace(desk);
    await selectApplication(secure);
    const whole = await read(secure, 0x02);
    expect(whole.length).toBeGreaterThan(40_000);
    const most = suite === '3DES' ? 231 : 223;
    const pieces: Uint8Array[] = [];
    for (let offset = 0; offset < 2_000; offset += most) {
      const { data } = await secure({ cla: 0, ins: 0xb0, p1: offset >> 8, p2: offset & 0xff, ne: 256 });
      expect(data.length).toBe(most);
      pieces.push(data);
    }
    expect(concat(...pieces)).toEqual(whole.subarray(0, pieces.length * most));
    const beyond = encodeTlv(0x54, Uint8Array.of(0x80, 0x10));
    const { data, statusWord } = await secure({ cla: 0, ins: 0xb1, p1: 0, p2: 0, data: beyond, ne: 1_000 });
    expect(statusWord).toBe(0x9000);
    expect(requireTlv(decodeTlv(data), 0x53)).toEqual(whole.subarray(0x8010, 0x8010 + 996));
  });

  it('hold fingerprints that nobody gets without terminal authentication', async () => {
    const desk = place({ dataGroups: [3, 7] });
    const secure = await openByBac(desk);
    for (const [shortId, statusWord] of [
      [3, 0x6982],
      [4, 0x6a82],
      [7, 0x9000],
    ] as const)
      expect((await secure({ cla: 0, ins: 0xb0, p1: 0x80 | shortId, p2: 0, ne: 256 })).statusWord).toBe(statusWord);
  });

  it('keep EF.CardSecurity for those who come by PACE', async () => {
    const desk = place({ persona: 'bjorn', access: ['BAC', 'PACE'] });
    const secure = await openByBac(desk);
    await secure({ cla: 0, ins: 0xa4, p1: 0, p2: 0x0c, data: parseHex('3F00') });
    expect((await secure({ cla: 0, ins: 0xb0, p1: 0x9d, p2: 0, ne: 256 })).statusWord).toBe(0x6982);
    expect((await place({ persona: 'bjorn' }).exchange({ cla: 0, ins: 0xb0, p1: 0x9d, p2: 0, ne: 256 })).statusWord).toBe(0x6982);
  });
});

describe('chip authentication of the simulated chip', () => {
  const rows = [
    ...SUITES.map((suite) => [suite, 12] as const),
    ...[0, 2, 14, 16, 18].map((parameters) => ['AES-128', parameters] as const),
    ['3DES', 2] as const,
  ];

  it.each(rows)('agrees on new keys: %s, parameters %d', async (suite, parameters) => {
    const desk = place({ chipAuthentication: { suite, parameters } });
    const secure = await openByBac(desk);
    await expectOpen(desk, await authenticateChip(desk, secure, { suite, parameters }));
    // The old keys are gone.
    await expect(read(secure, 0x01)).rejects.toThrow(SecureMessagingError);
  });

  it('agrees by a command in parts where one is too short for the key', async () => {
    const chip = { suite: '3DES', parameters: 2 } as const;
    const desk = place({ chipAuthentication: chip, access: ['BAC'], extendedLength: false });
    const chained = { card: desk.card, exchange: withCommandChaining(desk.exchange) };
    const secure = await openByBac(chained);
    const group14 = await readInParts(secure, 0x0e);
    const fresh = await authenticateChip(chained, secure, { ...chip, group14 });
    expect((await read(fresh, 0x01, 256)).length).toBe(93);
  });

  it('of a clone agrees on keys that nobody shares', async () => {
    const chip = { suite: 'AES-128', parameters: 12 } as const;
    const desk = place({ chipAuthentication: chip, defects: ['cloned chip'] });
    const fresh = await authenticateChip(desk, await openByBac(desk), chip);
    await expect(read(fresh, 0x01)).rejects.toThrow(SecureMessagingError);
  });

  it('is not had in plain, without it, or with a key beside the curve', async () => {
    const choose = {
      cla: 0,
      ins: 0x22,
      p1: 0x41,
      p2: 0xa4,
      data: encodeTlv(0x80, chipAuthenticationOid({ suite: 'AES-128', parameters: 12 }).subarray(2)),
    };
    expect((await place({}).exchange(choose)).statusWord).toBe(0x6982);
    const without = await openByBac(place({ chipAuthentication: 'none' }));
    expect((await without(choose)).statusWord).toBe(0x6a80);
    const desk = place({});
    const secure = await openByBac(desk);
    expect((await secure(choose)).statusWord).toBe(0x9000);
    const data = encodeTlv(0x7c, encodeTlv(0x80, new Uint8Array(65).fill(4)));
    expect((await secure({ cla: 0, ins: 0x86, p1: 0, p2: 0, data, ne: 256 })).statusWord).toBe(0x6a80);
    await expectOpen(desk, secure);
  });
});

interface ChipKey {
  /** Read already, where it does not come in one piece. */
  readonly group14?: Uint8Array;
  readonly suite: CipherSuiteName;
  readonly parameters: number;
}

/** 9303-11, section 6.2, the reader's part. */
async function authenticateChip(
  { exchange }: Desk,
  secure: Exchange,
  { suite, parameters, group14 }: ChipKey,
): Promise<Exchange> {
  const group = standardizedGroup(parameters);
  if (!group) throw new Error('there is no such group');
  const chipKey = chipKeyIn(group14 ?? (await read(secure, 0x0e)));
  const scalar = group.drawScalar(drawn);
  const own = group.power(group.generator, scalar);
  if (suite === '3DES') {
    const { statusWord } = await secure({
      cla: 0,
      ins: 0x22,
      p1: 0x41,
      p2: 0xa6,
      data: concat(encodeTlv(0x91, own), encodeTlv(0x84, Uint8Array.of(1))),
    });
    expect(statusWord).toBe(0x9000);
  } else {
    const protocol = encodeTlv(0x80, chipAuthenticationOid({ suite, parameters }).subarray(2));
    expect(
      (await secure({ cla: 0, ins: 0x22, p1: 0x41, p2: 0xa4, data: concat(protocol, encodeTlv(0x84, Uint8Array.of(1))) }))
        .statusWord,
    ).toBe(0x9000);
    const answer = await secure({ cla: 0, ins: 0x86, p1: 0, p2: 0, data: encodeTlv(0x7c, encodeTlv(0x80, own)), ne: 256 });
    expect(formatHex(answer.data)).toBe('7C00');
  }
  const secret = group.sharedSecret(
    group.power(group.kind === 'DH' ? toBytes(BigInt(`0x${formatHex(chipKey)}`), group.generator.length) : chipKey, scalar),
  );
  const cipher = CIPHER_SUITES[suite];
  return withSecureMessaging(exchange, {
    suite,
    encryptionKey: deriveKey(secret, cipher, 'encryption'),
    macKey: deriveKey(secret, cipher, 'mac'),
    sequenceCounter: new Uint8Array(cipher.blockLengthBytes),
  });
}

/** Of ChipAuthenticationPublicKeyInfo in DG14: a point, or the number in its BIT STRING. */
function chipKeyIn(group14: Uint8Array): Uint8Array {
  for (const { protocol, required } of parseSecurityInfos(decodeFirstTlv(group14).object.value)) {
    if (!formatHex(protocol).startsWith('04007F000702020101') && !formatHex(protocol).startsWith('04007F000702020102')) continue;
    const bits = requireTlv(decodeTlv(required.value), 0x03).subarray(1);
    return formatHex(protocol).endsWith('01') ? decodeFirstTlv(bits).object.value : bits;
  }
  throw new Error('DG14 has no key');
}

describe('active authentication of the simulated chip', () => {
  const HASHES = { 'SHA-1': 'BC', 'SHA-224': '38CC', 'SHA-256': '34CC', 'SHA-384': '36CC', 'SHA-512': '35CC' } as const;

  async function signedBy(options: EmrtdCardOptions): Promise<{ challenge: Uint8Array; signature: Uint8Array; key: Uint8Array }> {
    const secure = await openByBac(place(options));
    const challenge = drawn(8);
    const { data: signature } = await secure({ cla: 0, ins: 0x88, p1: 0, p2: 0, data: challenge, ne: 65_536 });
    const key = decodeFirstTlv(await read(secure, 0x0f)).object.value;
    return { challenge, signature, key };
  }

  it.each(Object.entries(HASHES))('by RSA and %s recovers to what ISO 9796-2 orders', async (hash, trailer) => {
    const { challenge, signature, key } = await signedBy({
      activeAuthentication: { key: 'RSA', hash: hash as keyof typeof HASHES },
    });
    const publicKey = createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' });
    const message = publicDecrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, signature);
    expect(message[0]).toBe(0x6a);
    const end = message.length - trailer.length / 2;
    expect(formatHex(message.subarray(end))).toBe(trailer);
    const name = hash.replace('-', '').toLowerCase();
    const length = createHash(name).digest().length;
    const digest = createHash(name)
      .update(message.subarray(1, end - length))
      .update(challenge)
      .digest();
    expect(formatHex(message.subarray(end - length, end))).toBe(formatHex(digest));
  });

  it.each([
    ['P-256', []],
    ['brainpoolP256r1', []],
    ['P-256', ['cloned chip']],
  ] as const)('by ECDSA on %s %j', async (name, defects) => {
    const { challenge, signature, key } = await signedBy({ activeAuthentication: { key: name, hash: 'SHA-256' }, defects });
    const publicKey = createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' });
    expect(verify('sha256', challenge, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(defects.length === 0);
  });
});

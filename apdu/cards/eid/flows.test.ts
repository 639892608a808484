/** The whole of a Token against a card. */
import { constants, randomBytes, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concat, equalBytes, formatHex, parseHex } from '../../bytes.ts';
import type { KeypadPinFormat, PinKeypad } from '../../card-connection.ts';
import type { CardApplication } from '../../card-profile.ts';
import {
  AlgorithmNotSupportedError,
  CardDataError,
  CardFullError,
  KeyNotFoundError,
  NotSupportedByCardError,
  ObjectNotFoundError,
  PinBlockedError,
  PinFormatError,
  PinRejectedError,
  SecurityStatusError,
} from '../../errors.ts';
import { Secret } from '../../secret.ts';
import { findApplication, openApplication } from '../../select.ts';
import type { Token, TokenContents } from '../../token.ts';
import { createEidProfile } from '../eid.ts';
import {
  APPLICATION,
  CDF,
  CERTIFICATES,
  CIA_INFO,
  CIA_INFO_RSA,
  EC,
  PRKDF_RSA,
  RSA,
  createCard,
  digestOf,
  pseudoCertificate,
  type FakeCard,
  type Habits,
} from './fake-card.ts';

const profile = createEidProfile({ randomBytes: (length) => randomBytes(length) });

interface OpenCard {
  readonly application: CardApplication;
  readonly token: Token;
}

async function open(
  card: FakeCard,
  options: { readonly remembered?: TokenContents; readonly keypad?: PinKeypad } = {},
): Promise<OpenCard> {
  const application = await openApplication(card.channel(options.keypad), profile, options.remembered);
  const { token } = application;
  if (!token) throw new Error('the application has no token');
  return { application, token };
}

describe('reading a card', () => {
  it.each([
    {},
    { shortIdentifiers: false },
    { selectsByPath: false },
    { tellsSize: false },
    { extendedLength: true },
    { extendedLength: true, tellsSize: false, shortIdentifiers: false, selectsByPath: false },
    { applicationId: 'E828BD080FD2760000000102' },
  ] satisfies Habits[])('with habits %j gives its keys, certificates, PINs and number', async (habits) => {
    const card = createCard(habits);
    const { token, application } = await open(card);
    expect(await application.serialNumber()).toBe('9752269875000000001');
    const contents = await token.contents();
    expect(contents.keys).toMatchObject([
      { keyReference: '45', label: 'Legitimering', algorithm: 'RSA-2048', usage: 'authentication', pin: '01', pinPolicy: 'once' },
      { keyReference: '46', label: 'Underskrift', algorithm: 'RSA-2048', usage: 'signature', pin: '02', pinPolicy: 'always' },
    ]);
    expect(contents.certificates).toEqual([
      { keyReference: '45', der: CERTIFICATES[0] },
      { keyReference: '46', der: CERTIFICATES[1] },
      { keyReference: '47', isAuthority: true, der: CERTIFICATES[2] },
    ]);
    expect(await token.pins()).toEqual([
      {
        reference: '01',
        kind: 'pin',
        label: 'Legitimering (PIN 1)',
        minLength: 6,
        maxLength: 8,
        attemptsRemaining: 3,
        verified: false,
        unblockedBy: '03',
      },
      {
        reference: '02',
        kind: 'pin',
        label: 'Underskrift (PIN 2)',
        minLength: 6,
        maxLength: 8,
        attemptsRemaining: 3,
        verified: false,
        unblockedBy: '03',
      },
    ]);
    expect(await token.pin('03')).toMatchObject({ kind: 'puk', label: 'PUK', minLength: 8, attemptsRemaining: 9 });
  });

  it('stays within its budget of commands', async () => {
    for (const habits of [{}, { extendedLength: true }]) {
      const card = createCard({ ...habits, withAuthorities: false });
      const { token, application } = await open(card);
      await application.serialNumber();
      await token.pins();
      const contents = await token.contents();
      expect(contents.certificates).toHaveLength(2);
      expect(card.commands.length).toBeLessThanOrEqual(habits.extendedLength ? 16 : 20);

      const again = await open(card, { remembered: contents });
      expect(await again.application.serialNumber()).toBe('9752269875000000001');
      expect(await again.application.changeMarker?.()).toBeUndefined();
      expect(card.commands).toHaveLength(2);
    }
  });

  it('is told by its number in two commands, however long EF.CIAInfo is', async () => {
    const algorithm = CIA_INFO_RSA.slice(-56);
    const content = `${CIA_INFO.slice(4)}A2820118${algorithm.repeat(10)}850F32303236303733313132303030305A`;
    const information = `3082${(content.length / 2).toString(16).padStart(4, '0')}${content}`;
    for (const shortIdentifiers of [true, false]) {
      const card = createCard({ information, shortIdentifiers });
      const first = await open(card);
      expect(await first.application.serialNumber()).toBe('9752269875000000001');
      expect(card.commands.length).toBeLessThanOrEqual(shortIdentifiers ? 2 : 5);
      const remembered = await first.token.contents();
      const { application, token } = await open(card, { remembered });
      expect(await application.serialNumber()).toBe('9752269875000000001');
      expect(card.commands.length).toBeLessThanOrEqual(shortIdentifiers ? 2 : 4);
      expect(await application.changeMarker?.()).toBe('20260731120000Z');
      expect(card.commands.length).toBeLessThanOrEqual(shortIdentifiers ? 3 : 4);
      await token.verifyPin('01', Secret.fromText('123456'));
    }
  });

  it('that told no time of change is asked for one again only when EF.CIAInfo has another length', async () => {
    const algorithms = `A2820118${CIA_INFO_RSA.slice(-56).repeat(10)}`;
    const information = (time: string): string => {
      const content = `${CIA_INFO.slice(4)}${algorithms}${time}`;
      return `3082${(content.length / 2).toString(16).padStart(4, '0')}${content}`;
    };
    const card = createCard({ information: information('') });
    const first = await open(card);
    const remembered = await first.token.contents();
    expect(await first.application.changeMarker?.()).toBeUndefined();

    const second = await open(card, { remembered });
    expect(await second.application.serialNumber()).toBe('9752269875000000001');
    expect(await second.application.changeMarker?.()).toBeUndefined();
    // SELECT, and the beginning of the file.
    expect(card.commands).toHaveLength(2);

    card.files.set(`${APPLICATION}5032`, parseHex(information('850F32303236303733313132303030305A')));
    const third = await open(card, { remembered });
    expect(await third.application.serialNumber()).toBe('9752269875000000001');
    expect(await third.application.changeMarker?.()).toBe('20260731120000Z');
  });

  it('gives the public key as the card has it', async () => {
    const { token } = await open(createCard());
    const spki = RSA[0]?.publicKey.export({ type: 'spki', format: 'der' });
    expect(await token.key('45')).toMatchObject({ algorithm: 'RSA-2048', publicKey: new Uint8Array(spki ?? []) });
    await expect(token.key('99')).rejects.toThrow(new KeyNotFoundError('looking up key 99: the card has 45, 46'));
  });

  it('leaves tries unknown on a card that does not tell them', async () => {
    const { token } = await open(createCard({ answersStatus: false }));
    expect((await token.pins()).map(({ attemptsRemaining, verified }) => [attemptsRemaining, verified])).toEqual([
      [undefined, false],
      [undefined, false],
    ]);
    await expect(token.pin('80')).rejects.toThrow(ObjectNotFoundError);
  });

  it('reads from the card again when asked for contents, whatever is remembered', async () => {
    const card = createCard();
    const first = await (await open(card)).token.contents();
    card.files.set(`${APPLICATION}4404`, new Uint8Array(200));
    const second = await (await open(card, { remembered: first })).token.contents();
    expect(second.certificates.map(({ keyReference }) => keyReference)).toEqual(['47']);
  });

  it('does without files that the directory names and the card has not', async () => {
    const card = createCard();
    for (const name of ['4331', '4403', '4405']) card.files.delete(`${APPLICATION}${name}`);
    const { keys, certificates } = await (await open(card)).token.contents();
    expect([keys.length, certificates.map(({ keyReference }) => keyReference)]).toEqual([2, ['46']]);
  });

  it('is no card of this kind without the application', async () => {
    const card = createCard({ applicationId: 'A000000003000000' });
    expect(await findApplication(card.channel(), [profile])).toBeUndefined();
    card.files.set('3F002F00', new Uint8Array(32).fill(0x61));
    expect(await findApplication(card.channel(), [profile])).toBeUndefined();
  });
});

describe('a hostile card', () => {
  it.each([
    ['directory that is cut short', '4402', PRKDF_RSA.slice(0, 40)],
    ['directory with a length that lies', '4404', '30847FFFFFFF'],
    ['directory of the wrong kind', '4401', '31023000'],
  ])('with a %s is told as such', async (_, name, content) => {
    const card = createCard();
    card.files.set(`${APPLICATION}${name}`, parseHex(content));
    await expect((await open(card)).token.contents()).rejects.toThrow(CardDataError);
  });

  it('cannot have itself read without end', async () => {
    const endless = createCard();
    endless.files.set(`${APPLICATION}4404`, concat(parseHex('3083FFFFFF'), new Uint8Array(60_000).fill(0x30)));
    await expect((await open(endless)).token.contents()).rejects.toThrow(CardDataError);

    const many = createCard();
    const entry = (index: number): string => CDF.slice(0, 82 - 2 - 4) + (0x6000 + index).toString(16).toUpperCase();
    const entries = Array.from({ length: 100 }, (_, index) => entry(index));
    many.files.set(`${APPLICATION}4404`, parseHex(entries.join('')));
    for (const index of entries.keys())
      many.files.set(`${APPLICATION}${(0x6000 + index).toString(16).toUpperCase()}`, CERTIFICATES[0] ?? new Uint8Array());
    await expect((await open(many)).token.contents()).rejects.toThrow(/more than 64 files/);

    const looped = createCard();
    looped.files.set(`${APPLICATION}5031`, parseHex(`A40A300804063F0050155031A80A300804063F0050154401`));
    await expect((await open(looped)).token.contents()).rejects.toThrow(CardDataError);
  });
});

describe('PINs', () => {
  it('are verified, told wrong with the tries left, and blocked', async () => {
    const { token } = await open(createCard());
    await token.verifyPin('01', Secret.fromText('123456'));
    expect((await token.pin('01')).verified).toBe(true);
    await expect(token.verifyPin('02', Secret.fromText('000000'))).rejects.toMatchObject({
      name: 'PinRejectedError',
      attemptsRemaining: 2,
    });
    await expect(token.verifyPin('02', Secret.fromText('000000'))).rejects.toThrow(PinRejectedError);
    await expect(token.verifyPin('02', Secret.fromText('000000'))).rejects.toThrow(PinBlockedError);
    await expect(token.verifyPin('02', Secret.fromText('654321'))).rejects.toThrow(PinBlockedError);
    expect((await token.pin('02')).attemptsRemaining).toBe(0);
    await token.unblockPin('02', Secret.fromText('12345678'), Secret.fromText('111222'));
    await token.verifyPin('02', Secret.fromText('111222'));
  });

  it('are changed, and a wrong PUK costs a try of the PUK', async () => {
    const card = createCard();
    const { token } = await open(card);
    await token.changePin('01', Secret.fromText('123456'), Secret.fromText('99999999'));
    expect(card.pins.get(1)?.value).toBe('3939393939393939');
    await expect(token.unblockPin('01', Secret.fromText('00000000'), Secret.fromText('123456'))).rejects.toMatchObject({
      name: 'PinRejectedError',
      attemptsRemaining: 8,
    });
    await expect(token.unblockPin('03', Secret.fromText('12345678'), Secret.fromText('123456'))).rejects.toThrow(
      NotSupportedByCardError,
    );
    await expect(token.verifyPin('03', Secret.fromText('12345678'))).rejects.toThrow(NotSupportedByCardError);
  });

  it.each(['12345', '123456789', '12345a', ''])('of impossible form ("%s") are not sent', async (pin) => {
    const card = createCard();
    const { token } = await open(card);
    await expect(token.verifyPin('01', Secret.fromText(pin))).rejects.toThrow(PinFormatError);
    expect(card.pins.get(1)?.tries).toBe(3);
    expect(card.commands.filter((command) => command.startsWith('0020'))).toEqual([]);
  });

  it('are typed on a keypad in the form that the card takes', async () => {
    const card = createCard();
    const seen: [string, KeypadPinFormat][] = [];
    const keypad: PinKeypad = {
      verifyPin: (command, format) => {
        seen.push([formatHex(command), format]);
        return Promise.resolve(card.process(parseHex('00200001083132333435360000')));
      },
      modifyPin: (command, format) => {
        seen.push([formatHex(command), format]);
        return Promise.resolve(parseHex('63C4'));
      },
    };
    const { token } = await open(card, { keypad });
    await token.verifyPin('01', 'keypad');
    await expect(token.unblockPin('02', 'keypad', 'keypad')).rejects.toMatchObject({ attemptsRemaining: 4 });
    await expect(token.changePin('02', 'keypad', Secret.fromText('111111'))).rejects.toThrow(PinFormatError);
    const format = { minLength: 6, maxLength: 8, blockLengthBytes: 8 };
    expect(seen).toEqual([
      ['00200001080000000000000000', format],
      ['002C00021000000000000000000000000000000000', format],
    ]);
  });
});

describe('signing', () => {
  const message = new TextEncoder().encode('what is signed');
  const digest = digestOf(message);

  it('with a remembered card takes four commands: SELECT, VERIFY, MSE, PSO', async () => {
    const card = createCard();
    const remembered = await (await open(card)).token.contents();
    const { token } = await open(card, { remembered });
    await token.verifyPin('01', Secret.fromText('123456'));
    const signature = await token.sign({ keyReference: '45', algorithm: 'RSA-2048' }, 'RS256', digest);
    expect(card.commands).toEqual(['00A40400', '00200001', '002241B6', '002A9E9A']);
    expect(RSA[0] && verify('sha256', message, RSA[0].publicKey, signature)).toBe(true);
  });

  it('works without memory too, and by the habits of cards that name no algorithms', async () => {
    const card = createCard({ information: CIA_INFO });
    const { token } = await open(card);
    await token.verifyPin('02', Secret.fromText('654321'));
    const signature = await token.sign({ keyReference: '46', algorithm: 'RSA-2048' }, 'RS256', digest);
    expect(RSA[1] && verify('sha256', message, RSA[1].publicKey, signature)).toBe(true);
    await expect(token.sign({ keyReference: '46', algorithm: 'RSA-2048' }, 'RS256', digest)).rejects.toThrow(SecurityStatusError);
    await token.verifyPin('02', Secret.fromText('654321'));
    const pss = await token.sign({ keyReference: '46', algorithm: 'RSA-2048' }, 'PS256', digest);
    const key = RSA[1]?.publicKey;
    expect(key && verify('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, pss)).toBe(true);
  });

  it.each(['raw', 'der'] as const)('with ECDSA gives r‖s from a card that answers %s', async (ecdsa) => {
    const { token } = await open(createCard({ kind: 'ec', ecdsa }));
    await token.verifyPin('01', Secret.fromText('123456'));
    const signature = await token.sign({ keyReference: '45', algorithm: 'P-256' }, 'ES256', digest);
    const key = EC[0]?.publicKey;
    expect(key && verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
  });

  it.each(['file', 'both'] as const)('names the key by %s on a card that wants that', async (namesKeyBy) => {
    const { token } = await open(createCard({ namesKeyBy }));
    await token.verifyPin('01', Secret.fromText('123456'));
    const signature = await token.sign({ keyReference: '45', algorithm: 'RSA-2048' }, 'RS256', digest);
    expect(RSA[0] && verify('sha256', message, RSA[0].publicKey, signature)).toBe(true);
  });

  it('is refused before the card is asked where it cannot be', async () => {
    const card = createCard();
    const { token } = await open(card);
    const key = { keyReference: '45', algorithm: 'RSA-2048' } as const;
    await expect(token.sign(key, 'PS256', digest)).rejects.toThrow(AlgorithmNotSupportedError);
    await expect(token.sign(key, 'ES256', digest)).rejects.toThrow(AlgorithmNotSupportedError);
    await expect(token.sign(key, 'RS512', digest)).rejects.toThrow(AlgorithmNotSupportedError);
    await expect(token.sign({ ...key, algorithm: 'P-256' }, 'ES256', digest)).rejects.toThrow(KeyNotFoundError);
    await expect(token.sign({ ...key, keyReference: '9A' }, 'RS256', digest)).rejects.toThrow(KeyNotFoundError);
    expect(card.commands.filter((command) => command.startsWith('0022'))).toEqual([]);
    await expect(token.sign(key, 'RS256', digest)).rejects.toThrow(SecurityStatusError);
  });
});

describe('changing a card', () => {
  const next = pseudoCertificate(9, 800);
  const certificatesOf = async (card: FakeCard): Promise<readonly (string | undefined)[]> =>
    (await (await open(card)).token.contents()).certificates
      .filter(({ keyReference }) => keyReference === '45')
      .map(({ der }) => [...CERTIFICATES, next].findIndex((one) => equalBytes(one, der)).toString());

  it('writes a certificate over the earlier one, adds one beside it, and deletes one or all', async () => {
    const card = createCard();
    const { token } = await open(card);
    await expect(token.management?.writeCertificate('45', next)).rejects.toThrow(SecurityStatusError);
    await token.verifyPin('01', Secret.fromText('123456'));
    await token.management?.writeCertificate('45', next);
    await token.management?.addCertificate?.('45', CERTIFICATES[0] ?? next);
    expect(await certificatesOf(card)).toEqual(['3', '0']);

    const again = (await open(card)).token;
    await again.verifyPin('01', Secret.fromText('123456'));
    await again.management?.deleteCertificate('45', next);
    expect(await certificatesOf(card)).toEqual(['0']);
    const last = (await open(card)).token;
    await last.verifyPin('01', Secret.fromText('123456'));
    await last.management?.deleteCertificate('45');
    await expect(last.management?.deleteCertificate('45')).rejects.toThrow(ObjectNotFoundError);
    expect(await certificatesOf(card)).toEqual([]);
    expect([...card.files.keys()].filter((file) => /43[0-9A-F]{2}$/.test(file))).toEqual([
      `${APPLICATION}4332`,
      `${APPLICATION}4333`,
    ]);
  });

  it('goes on for as long as a transaction lasts', async () => {
    const card = createCard();
    const { token } = await open(card);
    await token.verifyPin('01', Secret.fromText('123456'));
    for (let round = 0; round < 30; round++)
      await token.management?.writeCertificate('45', pseudoCertificate(round, 700 + round));
    const { certificates } = await token.contents();
    expect(certificates[0]).toEqual({ keyReference: '45', der: pseudoCertificate(29, 729) });
  });

  it('makes a new file for a certificate that the old one has no room for', async () => {
    const card = createCard();
    const large = pseudoCertificate(7, 1500);
    const { token } = await open(card);
    await token.verifyPin('01', Secret.fromText('123456'));
    await token.management?.writeCertificate('45', large);
    const { certificates } = await (await open(card)).token.contents();
    expect(certificates.filter(({ keyReference }) => keyReference === '45')).toEqual([{ keyReference: '45', der: large }]);
    expect(card.files.has(`${APPLICATION}4331`)).toBe(false);
  });

  it.each([
    ['in one command', {}, ['00D60000']],
    [
      'in short ones where the card takes no long one',
      { longestUpdate: 255 },
      ['00D60000', '00D600F0', '00D601E0', '00D602D0', '00D603C0', '00D604B0', '00D605A0'],
    ],
  ])('writes a certificate %s, when it says that it takes extended length', async (_, habits, expected) => {
    const card = createCard({ extendedLength: true, ...habits });
    const large = pseudoCertificate(7, 1500);
    const { token } = await open(card);
    await token.verifyPin('01', Secret.fromText('123456'));
    card.commands.splice(0);
    await token.management?.writeCertificate('45', large);
    const updates = card.commands.filter((command) => command.startsWith('00D6'));
    expect(updates).toEqual(expect.arrayContaining(expected));
    expect(updates.filter((command) => command !== '00D60000').length === 0).toBe(expected.length === 1);
    const { certificates } = await (await open(card)).token.contents();
    expect(certificates.filter(({ keyReference }) => keyReference === '45')).toEqual([{ keyReference: '45', der: large }]);
  });

  it('leaves the directory as it was when an entry does not fit', async () => {
    const card = createCard();
    const before = card.files.get(`${APPLICATION}4404`)?.slice(0, 100) ?? new Uint8Array();
    card.files.set(`${APPLICATION}4404`, before.slice());
    const { token } = await open(card);
    await token.verifyPin('01', Secret.fromText('123456'));
    await expect(token.management?.addCertificate?.('45', next)).rejects.toThrow(CardFullError);
    expect(card.files.get(`${APPLICATION}4404`)).toEqual(before);
    expect(card.commands.filter((command) => command.startsWith('00E0'))).toEqual([]);
  });

  it.each(['rsa', 'ec'] as const)('makes an %s key in its place, and in no other kind of place', async (kind) => {
    const pair = (kind === 'rsa' ? RSA : EC)[0];
    const [right, wrong] = kind === 'rsa' ? (['RSA-2048', 'P-256'] as const) : (['P-256', 'RSA-2048'] as const);
    const { token } = await open(createCard({ kind }));
    await expect(token.management?.generateKey({ keyReference: '45', algorithm: wrong })).rejects.toThrow(
      AlgorithmNotSupportedError,
    );
    await expect(token.management?.generateKey({ keyReference: '45', algorithm: right })).rejects.toThrow(SecurityStatusError);
    await expect(token.management?.generateKey({ keyReference: '45', algorithm: right, pinPolicy: 'never' })).rejects.toThrow(
      NotSupportedByCardError,
    );
    await token.verifyPin('01', Secret.fromText('123456'));
    const publicKey = await token.management?.generateKey({ keyReference: '45', algorithm: right });
    expect(publicKey).toEqual(new Uint8Array(pair?.publicKey.export({ type: 'spki', format: 'der' }) ?? []));
  });

  it('makes a key by the number that the card names for it', async () => {
    const generator = '3010020102020100050003020001020200A1';
    const information = `3061${CIA_INFO_RSA.slice(4).replace('A21C', 'A22E')}${generator}`;
    const { token } = await open(createCard({ information, generatesBy: 0xa1 }));
    await token.verifyPin('01', Secret.fromText('123456'));
    const publicKey = await token.management?.generateKey({ keyReference: '45', algorithm: 'RSA-2048' });
    expect(publicKey).toEqual(new Uint8Array(RSA[0]?.publicKey.export({ type: 'spki', format: 'der' }) ?? []));
  });

  it('is refused on a card that says it is read-only', async () => {
    const { token } = await open(createCard({ information: CIA_INFO.replace('03020470', '030204F0') }));
    await expect(token.management?.writeCertificate('45', next)).rejects.toThrow(NotSupportedByCardError);
    await expect(token.management?.generateKey({ keyReference: '45', algorithm: 'RSA-2048' })).rejects.toThrow(
      NotSupportedByCardError,
    );
  });
});

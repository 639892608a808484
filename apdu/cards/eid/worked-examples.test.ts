/** Directory files byte for byte, as OpenSC 0.23 reads them without complaint: one card with two PINs, a PUK, two keys and three certificates. */
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../bytes.ts';
import { CardDataError } from '../../errors.ts';
import { parseApplicationDirectory } from './application.ts';
import { parseAuthenticationObjects, withDistinctReferences } from './authentication-objects.ts';
import { parseCardInformation } from './card-information.ts';
import { encodeCertificateEntry, parseCertificates, trimCertificate } from './certificates.ts';
import { algorithmOf, parseKeys, pinPolicyOf, usageOf } from './keys.ts';
import { parseObjectDirectory, splitEntries } from './object-directory.ts';
import { wantedLength } from './file-shape.ts';

const EF_DIR = parseHex('61234F0CA000000063504B43532D3135500D53495448532D6C696B2065494451043F005015');
const EF_ODF = parseHex(
  'A80A300804063F0050154401 A00A300804063F0050154402 A10A300804063F0050154403 A40A300804063F0050154404 A50A300804063F0050154405 A70A300804063F0050154406',
);
const EF_CIA_INFO = parseHex(
  '3031020100040A9752269875000000001F0C074B6F72742041428013546AC3A46E7374656B6F72742028746573742903020470',
);
const EF_CIA_INFO_RSA = parseHex(
  '304F020100040A9752269875000000001F0C074B6F72742041428013546AC3A46E7374656B6F72742028746573742903020470A21C301A02010102010105000302064006092A864886F70D010101020102',
);
const EF_CIA_INFO_EC = parseHex(
  '3056020100040A9752269875000000001F0C074B6F72742041428013546AC3A46E7374656B6F72742028746573742903020470A22330210201010202104006082A8648CE3D0301070302064006072A8648CE3D0403020104',
);
const PIN1 =
  '303E301D0C144C65676974696D6572696E67202850494E203129030206C00401033003040101A11830160302024C0A0101020106020108020108800101040100';
const PIN2 =
  '303D301C0C13556E646572736B72696674202850494E203229030206C00401033003040102A11830160302024C0A0101020106020108020108800102040100';
const PUK = '302A30090C0350554B030206C03003040103A11830160302014E0A0101020108020108020108800103040100';
const EF_AODF = parseHex(PIN1 + PIN2 + PUK);
const EF_PRKDF_RSA = parseHex(
  '303930150C0C4C65676974696D6572696E6703020780040101300E04014503020224030203B8020101A110300E300804063F0050154B0102020800' +
    '303C30170C0B556E646572736B7269667403020780040102020101300F0401460303060040030203B8020102A110300E300804063F0050154B0202020800',
);
const EF_PRKDF_EC = parseHex(
  'A03930150C0C4C65676974696D6572696E6703020780040101300E04014503020520030203B8020101A110300E300804063F0050154B0102020100' +
    'A03C30170C0B556E646572736B7269667403020780040102020101300F0401460303060040030203B8020102A110300E300804063F0050154B0202020100',
);
const EF_PUKDF_EC = parseHex(
  'A03B30110C0C4C65676974696D6572696E67030100300E0401450302010203020640020101A1163014300804063F0050154D0106082A8648CE3D030107',
);
const ENTRY_45 = '302630110C0C4C65676974696D6572696E670301003003040145A10C300A300804063F0050154331';
const ENTRY_46 = '302530100C0B556E646572736B726966740301003003040146A10C300A300804063F0050154332';
const EF_CDF = parseHex(ENTRY_45 + ENTRY_46);
const EF_CDF_TRUSTED = parseHex('302C30140C0F546573742049737375696E6720434103010030060401470101FFA10C300A300804063F0050154333');

describe('EF.DIR', () => {
  it('tells AID and path of the application', () => {
    expect(parseApplicationDirectory(EF_DIR)).toEqual([
      { applicationId: parseHex('A000000063504B43532D3135'), path: '3F005015' },
    ]);
  });

  it('with an ISO/IEC 7816-15 AID and paths of its own is followed; other applications are passed over', () => {
    const other = '61094F07A0000000031010';
    const ours = '612A4F09E828BD080F01020304 7318 06032A0304 30080406 3F0050166031 A0080406 3F0050166032 '.replaceAll(' ', '');
    const whole = `61${(ours.length / 2 - 2).toString(16).toUpperCase().padStart(2, '0')}${ours.slice(4)}`;
    const fixed = whole.replace('7318', `73${(5 + 10 + 10).toString(16).padStart(2, '0').toUpperCase()}`);
    expect(parseApplicationDirectory(parseHex(`${other}${fixed}0000FFFF`))).toEqual([
      {
        applicationId: parseHex('E828BD080F01020304'),
        objectDirectory: { file: '3F0050166031' },
        cardInformation: { file: '3F0050166032' },
      },
    ]);
  });
});

describe('EF.OD', () => {
  it('points to the directory files', () => {
    expect(parseObjectDirectory(EF_ODF)).toEqual([
      { kind: 'authentication objects', path: { file: '3F0050154401' } },
      { kind: 'private keys', path: { file: '3F0050154402' } },
      { kind: 'public keys', path: { file: '3F0050154403' } },
      { kind: 'certificates', path: { file: '3F0050154404' } },
      { kind: 'trusted certificates', path: { file: '3F0050154405' } },
      { kind: 'data objects', path: { file: '3F0050154406' } },
    ]);
  });

  it('filled up with 00 or FF is the same', () => {
    for (const filling of ['00'.repeat(56), 'FF'.repeat(56)])
      expect(parseObjectDirectory(parseHex(formatHex(EF_ODF) + filling))).toEqual(parseObjectDirectory(EF_ODF));
  });

  it('may hold the entries themselves, and parts of files', () => {
    const direct = parseHex(`A42A A028 ${ENTRY_45}`);
    const part = parseHex('A410 300E 0406 3F0050154404 020110 80012A');
    expect(parseObjectDirectory(direct)).toEqual([{ kind: 'certificates', entries: parseHex(ENTRY_45) }]);
    expect(parseObjectDirectory(part)).toEqual([
      { kind: 'certificates', path: { file: '3F0050154404', offset: 0x10, lengthBytes: 0x2a } },
    ]);
  });

  it.each([
    ['cut short', formatHex(EF_ODF).slice(0, -2)],
    ['of another kind', ENTRY_45],
    ['with a length that lies', 'A4847FFFFFFF3008'],
    ['with a path of an odd length', 'A407300504033F0050'],
    ['with a path without end', `A4263024 0422 ${'3F00'.repeat(17)}`],
    ['without end', 'A80A300804063F0050154401'.repeat(33)],
  ])('%s is a CardDataError', (_, hex) => {
    expect(() => parseObjectDirectory(parseHex(hex))).toThrow(CardDataError);
  });
});

describe('EF.CIAInfo', () => {
  it('tells serial number, label and flags', () => {
    expect(parseCardInformation(EF_CIA_INFO)).toEqual({
      serialNumber: '9752269875000000001',
      manufacturer: 'Kort AB',
      label: 'Tjänstekort (test)',
      isReadOnly: false,
      algorithms: [],
    });
  });

  it('names algorithms', () => {
    expect(parseCardInformation(EF_CIA_INFO_RSA).algorithms).toEqual([
      { reference: 1, mechanism: 1, operations: new Set([1]), algorithmReference: 2 },
    ]);
    expect(parseCardInformation(EF_CIA_INFO_EC).algorithms).toEqual([
      { reference: 1, mechanism: 0x1040, curve: 'P-256', operations: new Set([1]), algorithmReference: 4 },
    ]);
  });

  it('may be read-only, without a serial number, and tell when it was last written', () => {
    expect(parseCardInformation(parseHex('301A 020101 03020780 A511180F 32303236303733313132303030305A FFFF'))).toEqual({
      isReadOnly: true,
      algorithms: [],
      lastUpdate: '20260731120000Z',
    });
  });

  it.each([
    ['0A1B2C', '0A1B2C'],
    ['39373532323738393030303030303030303031', '9752278900000000001'],
  ])('with serial number %s says %s', (stored, said) => {
    const length = (stored.length / 2).toString(16).padStart(2, '0');
    const content = `020100 04${length}${stored} 030100`.replaceAll(' ', '');
    const whole = parseHex(`30${(content.length / 2).toString(16).padStart(2, '0')}${content}`);
    expect(parseCardInformation(whole).serialNumber).toBe(said);
  });

  it.each(['', '3003020100', '30800201000000', '04020000', '3009020100 040100 0302', `30${'FF'.repeat(8)}`])(
    'of "%s" is a CardDataError',
    (hex) => {
      expect(() => parseCardInformation(parseHex(hex))).toThrow(CardDataError);
    },
  );
});

describe('EF.AOD', () => {
  it('tells PINs and the PUK, and how each is written', () => {
    const common = { encoding: 'ascii', pad: 0, maxLength: 8, blockLengthBytes: 8, canChange: true, canUnblock: true };
    expect(parseAuthenticationObjects(EF_AODF)).toMatchObject([
      {
        ...common,
        reference: '01',
        kind: 'pin',
        label: 'Legitimering (PIN 1)',
        authenticationId: '01',
        pukAuthenticationId: '03',
        minLength: 6,
      },
      {
        ...common,
        reference: '02',
        kind: 'pin',
        label: 'Underskrift (PIN 2)',
        authenticationId: '02',
        pukAuthenticationId: '03',
        minLength: 6,
      },
      { ...common, reference: '03', kind: 'puk', label: 'PUK', authenticationId: '03', minLength: 8 },
    ]);
  });

  it('gives PINs that share a reference names of their own', () => {
    const twice = parseAuthenticationObjects(parseHex(PIN1 + PIN2.replace('800102', '800101')));
    expect(withDistinctReferences(twice).map(({ reference }) => reference)).toEqual(['01', '01-02']);
  });

  it.each([
    ['a type that does not exist', PIN1.replace('0A0101', '0A0109')],
    ['a stored length beyond any card', PIN1.replace('020106020108', '020106020170')],
    ['a least length above the greatest', PIN1.replace('020106020108', '020109020108')],
    ['a negative length', PIN1.replace('020106', '0201F6')],
    ['a reference of two bytes', PIN1.replace('303E', '303F').replace('A1183016', 'A1193017').replace('800101', '80020101')],
    ['an entry cut short', PIN1.slice(0, -4)],
  ])('with %s is a CardDataError', (_, hex) => {
    expect(() => parseAuthenticationObjects(parseHex(hex))).toThrow(CardDataError);
  });
});

describe('EF.PrKD', () => {
  it('tells RSA keys, what they are for, and the PIN of each', () => {
    const keys = parseKeys('EF.PrKD', EF_PRKDF_RSA);
    expect(keys).toMatchObject([
      {
        id: '45',
        label: 'Legitimering',
        family: 'rsa',
        authenticationId: '01',
        reference: 1,
        lengthBits: 2048,
        path: { file: '3F0050154B01' },
      },
      { id: '46', label: 'Underskrift', family: 'rsa', authenticationId: '02', reference: 2, userConsent: 1 },
    ]);
    expect(keys.map((key) => [usageOf(key), pinPolicyOf(key), algorithmOf(key, [])])).toEqual([
      ['authentication', 'once', 'RSA-2048'],
      ['signature', 'always', 'RSA-2048'],
    ]);
  });

  it('tells EC keys by field size, by curve, or by the algorithm they refer to', () => {
    const bySize = parseKeys('EF.PrKD', EF_PRKDF_EC);
    expect(bySize.map((key) => [usageOf(key), algorithmOf(key, [])])).toEqual([
      ['authentication', 'P-256'],
      ['signature', 'P-256'],
    ]);
    expect(parseKeys('EF.PuKD', EF_PUKDF_EC).map((key) => algorithmOf(key, []))).toEqual(['P-256']);
    const referring = parseHex(
      formatHex(EF_PRKDF_EC)
        .replace('A03930', 'A03830')
        .replace('A110300E300804063F0050154B0102020100', 'A10F300D300804063F0050154B01020101'),
    );
    const [first] = parseKeys('EF.PrKD', referring);
    expect(first && [algorithmOf(first, []), algorithmOf(first, parseCardInformation(EF_CIA_INFO_EC).algorithms)]).toEqual([
      undefined,
      'P-256',
    ]);
  });

  it('tells the algorithms that a key does', () => {
    const listed = formatHex(EF_PRKDF_RSA)
      .replace('303930150C0C', '303E30150C0C')
      .replace('300E04014503020224030203B8020101', '301304014503020224030203B8020101A103020101');
    expect(parseKeys('EF.PrKD', parseHex(listed)).map(({ algorithms }) => algorithms)).toEqual([[1], []]);
  });

  it('reads a key reference written as a negative number', () => {
    const negative = formatHex(EF_PRKDF_RSA).replace('03B8020101', '03B8020181');
    expect(parseKeys('EF.PrKD', parseHex(negative))[0]?.reference).toBe(0x81);
  });
});

describe('EF.CD', () => {
  it('tells own certificates and those of authorities', () => {
    expect(parseCertificates(EF_CDF)).toMatchObject([
      { id: '45', label: 'Legitimering', isAuthority: false, path: { file: '3F0050154331' } },
      { id: '46', label: 'Underskrift', isAuthority: false, path: { file: '3F0050154332' } },
    ]);
    expect(parseCertificates(EF_CDF_TRUSTED)).toMatchObject([{ id: '47', label: 'Test Issuing CA', isAuthority: true }]);
  });

  it('passes over what was deleted, and over filling', () => {
    const deleted = `00${ENTRY_45.slice(2)}${ENTRY_46}`;
    expect(parseCertificates(parseHex(`${deleted}${'00'.repeat(40)}`)).map(({ id }) => id)).toEqual(['46']);
    expect(parseCertificates(parseHex(`${ENTRY_46}00${ENTRY_45.slice(2)}`)).map(({ id }) => id)).toEqual(['46']);
    expect(parseCertificates(parseHex(`0000${ENTRY_45}FFFF${ENTRY_46}FF`)).map(({ id }) => id)).toEqual(['45', '46']);
    expect(parseCertificates(new Uint8Array(512))).toEqual([]);
    expect(parseCertificates(new Uint8Array(512).fill(0xff))).toEqual([]);
  });

  it('may hold the certificate itself, under an explicit or an implicit tag', () => {
    const entry = (value: string): string => {
      const type = `A1${hexLength(value.length / 2 + 4)}30${hexLength(value.length / 2 + 2)}A0${hexLength(value.length / 2)}${value}`;
      const body = `30060C01310301003003040145${type}`;
      return `30${hexLength(body.length / 2)}${body}`;
    };
    const certificate = '3006300030000500';
    expect(parseCertificates(parseHex(entry(certificate)))[0]?.value).toEqual(parseHex(certificate));
    expect(parseCertificates(parseHex(entry(certificate.slice(4))))[0]?.value).toEqual(parseHex(certificate));
  });

  it('takes an entry that we write', () => {
    const entry = encodeCertificateEntry('Tillägg', parseHex('45'), parseHex('3F0050154334'));
    expect(splitEntries(entry)).toEqual([entry]);
    expect(parseCertificates(entry)).toMatchObject([{ id: '45', label: 'Tillägg', path: { file: '3F0050154334' } }]);
  });

  it('has at most 128 entries', () => {
    expect(() => parseCertificates(parseHex(ENTRY_45.repeat(129)))).toThrow(CardDataError);
  });
});

describe('a certificate file', () => {
  it.each([
    ['30020500FFFF', '30020500'],
    ['3002050000', '30020500'],
    ['30820100', '30820100'],
    ['0102', '0102'],
    ['0000FF', undefined],
    ['', undefined],
  ])('of %s holds %s', (content, certificate) => {
    expect(trimCertificate(parseHex(content))).toEqual(certificate === undefined ? undefined : parseHex(certificate));
  });
});

describe('how far a file is read', () => {
  it.each([
    ['308203E8', 'object', 1004],
    ['30', 'object', 2],
    ['3082', 'object', 3],
    ['FFFF', 'object', 2],
    [ENTRY_45, 'objects', 41],
    [ENTRY_45.slice(0, -2), 'objects', 40],
    [`${ENTRY_45}00`, 'objects', 42],
    [`${ENTRY_45}0000`, 'objects', 42],
    [`${ENTRY_45}FFFF`, 'objects', 42],
    ['0026', 'objects', 3],
  ] as const)('begun with %s, as %s: at least %i bytes', (hex, shape, length) => {
    expect(wantedLength(parseHex(hex), shape)).toBe(length);
  });
});

function hexLength(length: number): string {
  return length.toString(16).padStart(2, '0').toUpperCase();
}

describe('random bytes', () => {
  it('make no parser throw anything but a CardDataError', () => {
    const parsers = [
      parseApplicationDirectory,
      parseObjectDirectory,
      parseCardInformation,
      parseAuthenticationObjects,
      parseCertificates,
      (bytes: Uint8Array) => parseKeys('EF.PrKD', bytes),
      trimCertificate,
      (bytes: Uint8Array) => wantedLength(bytes, 'objects'),
    ];
    let seed = 1;
    const random = (): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 16;
    const samples = [EF_DIR, EF_ODF, EF_CIA_INFO_RSA, EF_AODF, EF_PRKDF_RSA, EF_PRKDF_EC, EF_CDF, EF_CDF_TRUSTED];
    let refused = 0;
    for (let round = 0; round < 4000; round++) {
      const bytes = Uint8Array.from(samples[round % samples.length] ?? []);
      for (let change = 0; change <= random() % 4; change++) bytes[random() % bytes.length] = random() & 0xff;
      const cut = bytes.subarray(0, random() % 3 === 0 ? random() % bytes.length : bytes.length);
      for (const parse of parsers) {
        try {
          parse(cut);
        } catch (error) {
          expect(error).toBeInstanceOf(CardDataError);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

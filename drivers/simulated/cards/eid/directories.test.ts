/** The worked example of kortd's notes, which OpenSC 0.23 was seen to read: the same bytes must come out. */
import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from '../../bytes.ts';
import { namedBits } from './der.ts';
import {
  ODF_TAGS,
  USAGE,
  encodeApplicationTemplate,
  encodeCertificateEntry,
  encodeOdfEntry,
  encodePinEntry,
  encodePrivateKeyEntry,
  encodePublicKeyEntry,
  encodeTokenInfo,
  encodeUnusedSpace,
} from './directories.ts';

const hex = (bytes: Uint8Array): string => formatHex(bytes).toUpperCase();
const at = (fid: string): Uint8Array => parseHex(`3f005015${fid}`);

describe('named bits', () => {
  it.each([
    [[2, 5], '03020224'],
    [[9], '0303060040'],
    [[0, 2, 3, 4], '030203B8'],
    [[], '030100'],
  ])('%j are %s', (bits, encoded) => {
    expect(hex(namedBits(...bits))).toBe(encoded);
  });
});

describe('directory files', () => {
  it('EF.DIR names the application and where it is', () => {
    const encoded = encodeApplicationTemplate(parseHex('a000000063504b43532d3135'), 'SITHS-lik eID', at(''));
    expect(hex(encoded)).toBe('61234F0CA000000063504B43532D3135500D53495448532D6C696B2065494451043F005015');
  });

  it('EF.ODF points to the directories', () => {
    expect(hex(encodeOdfEntry(ODF_TAGS.authenticationObjects, at('4401')))).toBe('A80A300804063F0050154401');
    expect(hex(encodeOdfEntry(ODF_TAGS.dataObjects, at('4406')))).toBe('A70A300804063F0050154406');
  });

  it('EF.TokenInfo says what the card is, and what it can compute', () => {
    const info = {
      ...{ serialNumber: parseHex('9752269875000000001f'), manufacturer: 'Kort AB', label: 'Tjänstekort (test)' },
    };
    const head = '020100040A9752269875000000001F0C074B6F72742041428013546AC3A46E7374656B6F72742028746573742903020470';
    expect(hex(encodeTokenInfo({ ...info, algorithms: [] }))).toBe(`3031${head}`);
    const ecdsa = { id: 1, reference: 4, mechanism: 0x1040, use: { scheme: 'ecdsa' }, keys: ['P-256'] } as const;
    expect(hex(encodeTokenInfo({ ...info, algorithms: [{ ...ecdsa, oid: '1.2.840.10045.4.3.2' }] }))).toBe(
      `3057${head}A22430220201010202104006082A8648CE3D0301070302064006082A8648CE3D040302020104`,
    );
  });

  it('EF.AODF has two PINs and what unblocks them', () => {
    const pin = { minLength: 6, storedLength: 8, padding: 0, unblockedBy: 3 };
    expect(hex(encodePinEntry({ ...pin, label: 'Legitimering (PIN 1)', authId: 1, reference: 1 }))).toBe(
      '303E301D0C144C65676974696D6572696E67202850494E203129030206C00401033003040101A11830160302024C0A0101020106020108020108800101040100',
    );
    expect(hex(encodePinEntry({ ...pin, label: 'Underskrift (PIN 2)', authId: 2, reference: 2 }))).toBe(
      '303D301C0C13556E646572736B72696674202850494E203229030206C00401033003040102A11830160302024C0A0101020106020108020108800102040100',
    );
    const puk = hex(encodePinEntry({ label: 'PUK', authId: 3, reference: 3, minLength: 8, storedLength: 8, padding: 0 }));
    expect(puk).toBe('302A30090C0350554B030206C03003040103A1183016030201' + '7E' + '0A0101020108020108020108800103040100');
  });

  it('EF.PrKDF and EF.PuKDF have RSA keys', () => {
    const first = { label: 'Legitimering', id: 0x45, algorithm: 'RSA-2048', reference: 1 } as const;
    const second = { label: 'Underskrift', id: 0x46, algorithm: 'RSA-2048', reference: 2 } as const;
    const authentication = { ...first, usage: [USAGE.sign, USAGE.unwrap], file: at('4b01'), authId: 1, needsConsent: false };
    expect(hex(encodePrivateKeyEntry({ ...authentication, algorithmIds: [] }))).toBe(
      '303930150C0C4C65676974696D6572696E6703020780040101300E04014503020224030203B8020101A110300E300804063F0050154B0102020800',
    );
    const signature = { ...second, usage: [USAGE.nonRepudiation], file: at('4b02'), authId: 2, needsConsent: true };
    expect(hex(encodePrivateKeyEntry({ ...signature, algorithmIds: [] }))).toBe(
      '303C30170C0B556E646572736B7269667403020780040102020101300F0401460303060040030203B8020102A110300E300804063F0050154B0202020800',
    );
    expect(hex(encodePrivateKeyEntry({ ...authentication, algorithmIds: [1] }))).toContain('020101A103020101A110');
    expect(hex(encodePublicKeyEntry({ ...first, usage: [USAGE.encrypt, USAGE.verify], file: at('4d01') }))).toBe(
      '303530110C0C4C65676974696D6572696E67030100300E0401450302018203020640020101A110300E300804063F0050154D0102020800',
    );
  });

  it('EF.PrKDF and EF.PuKDF have keys on curves', () => {
    const key = { label: 'Legitimering', id: 0x45, algorithm: 'P-256', reference: 1 } as const;
    const entry = { ...key, usage: [USAGE.sign], file: at('4b01'), authId: 1, needsConsent: false, algorithmIds: [] };
    expect(hex(encodePrivateKeyEntry(entry))).toBe(
      'A03930150C0C4C65676974696D6572696E6703020780040101300E04014503020520030203B8020101A110300E300804063F0050154B0102020100',
    );
    expect(hex(encodePublicKeyEntry({ ...key, usage: [USAGE.verify], file: at('4d01') }))).toBe(
      'A03B30110C0C4C65676974696D6572696E67030100300E0401450302010203020640020101A1163014300804063F0050154D0106082A8648CE3D030107',
    );
  });

  it('EF.CDF has certificates, of authorities too, and how long they are', () => {
    expect(hex(encodeCertificateEntry({ label: 'Legitimering', id: 0x45, file: at('4331') }))).toBe(
      '302630110C0C4C65676974696D6572696E670301003003040145A10C300A300804063F0050154331',
    );
    expect(hex(encodeCertificateEntry({ label: 'Test Issuing CA', id: 0x47, file: at('4333'), isAuthority: true }))).toBe(
      '302C30140C0F546573742049737375696E6720434103010030060401470101FFA10C300A300804063F0050154333',
    );
    const withLength = hex(encodeCertificateEntry({ label: 'Legitimering', id: 0x45, file: at('4331'), lengthBytes: 1059 }));
    expect(withLength).toMatch(/A1133011300F04063F005015433102010080020423$/);
  });

  it('EF.UnusedSpace has a part of a file and a PIN', () => {
    expect(hex(encodeUnusedSpace(at('4331'), 2048, 1))).toBe('3014300F04063F005015433102010080020800040101');
  });
});

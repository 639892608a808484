import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signCertificate } from '../../drivers/simulated/certificate.ts';
import { parseCertificate } from './certificate.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const der = Buffer.from(
  signCertificate(
    {
      serialNumber: 1n,
      subject: [['CN', 'Anna']],
      issuer: [['CN', 'CA']],
      notBefore: new Date('2024-01-01T00:00:00Z'),
      notAfter: new Date('2034-01-01T00:00:00Z'),
      publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      extensions: [],
    },
    privateKey,
  ),
);
const base64 = der.toString('base64');
const pem = (body: string): string => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`;
const lines = base64.replaceAll(/(.{64})/g, '$1\n');

describe('parseCertificate', () => {
  it.each([
    ['PEM', pem(lines)],
    ['PEM with line ends of Windows', `${pem(lines).replaceAll('\n', '\r\n')}\r\n`],
    ['PEM on one line', pem(base64)],
    ['PEM with spaces around it', `\n\n  ${pem(lines)}  \n`],
    ['base64', base64],
    ['base64 in lines', lines],
  ])('takes %s', (_, text) => {
    expect(parseCertificate(text).raw.equals(der)).toBe(true);
  });

  it.each([
    ['nothing', ''],
    ['text', 'hello there'],
    ['text of the length of base64', 'hello123'],
    ['bytes that follow', Buffer.concat([der, Buffer.of(0)]).toString('base64')],
    ['a byte too few', der.subarray(0, -1).toString('base64')],
    ['two blocks', `${pem(lines)}\n${pem(lines)}`],
    ['a block of another kind', pem(lines).replaceAll('CERTIFICATE', 'X509 CRL')],
    ['an empty block', pem('')],
    ['a block with its end missing', pem(lines).slice(0, -8)],
    ['a header in the block', pem(`Proc-Type: 4\n\n${lines}`)],
    ['base64 with a character too many', `${base64}A`],
    ['padding in the middle', `AA==${base64}`],
    ['a key', publicKey.export({ type: 'spki', format: 'der' }).toString('base64')],
  ])('refuses %s', (_, text) => {
    expect(() => parseCertificate(text)).toThrow(expect.objectContaining({ code: 'certificate_invalid' }));
  });

  it('refuses every beginning of a certificate, and never throws anything else', () => {
    for (let length = 0; length < der.length; length++)
      expect(() => parseCertificate(der.subarray(0, length).toString('base64'))).toThrow(
        expect.objectContaining({ code: 'certificate_invalid' }),
      );
  });

  it('takes only what is the same certificate when any one byte is changed', () => {
    for (let index = 0; index < der.length; index++) {
      const changed = Buffer.from(der);
      changed[index] = (changed[index] ?? 0) ^ 0x80;
      try {
        expect(parseCertificate(changed.toString('base64')).raw.equals(changed)).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ code: 'certificate_invalid' });
      }
    }
  });
});

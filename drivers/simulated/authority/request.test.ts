import { generateKeyPairSync } from 'node:crypto';
import { PrintableString, Utf8String } from 'asn1js';
import { describe, expect, it } from 'vitest';
import { AuthorityError } from './errors.ts';
import { readRequest } from './request.ts';
import { CARD_NUMBER, CECILIA, HSA_ID, makeRequest, type RequestDescription } from './testing.ts';

describe('a request', () => {
  it('is told apart into person, key, card and use', async () => {
    expect(await readRequest(await makeRequest())).toMatchObject({
      subject: [
        ['C', 'SE'],
        ['SN', 'Öberg'],
        ['GN', 'Cecilia'],
        ['serialNumber', HSA_ID],
        ['CN', 'Cecilia Öberg'],
      ],
      identifier: HSA_ID,
      use: 'legitimering',
      cardNumber: CARD_NUMBER,
    });
  });

  it.each([
    ['RSA-2048', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ])('may be of an %s key', async (_, key) => {
    expect(await readRequest(await makeRequest({ key, keyUsage: 0x40 }))).toMatchObject({ use: 'underskrift' });
  });

  it('is for encryption too where it is for legitimering', async () => {
    expect(await readRequest(await makeRequest({ keyUsage: 0xa0 }))).toMatchObject({ use: 'legitimering' });
  });

  const without = (oid: string): RequestDescription => ({ subject: CECILIA.filter(([type]) => type !== oid) });
  it.each<[string, RequestDescription, string]>([
    ['a short key', { key: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey }, 'key_unsupported'],
    ['no key usage', { keyUsage: undefined }, 'request_invalid'],
    ['both key usages', { keyUsage: 0xc0 }, 'request_invalid'],
    ['another key usage', { keyUsage: 0x04 }, 'request_invalid'],
    ['no name', without('2.5.4.3'), 'request_invalid'],
    ['no number of the person', without('2.5.4.5'), 'request_invalid'],
    ['two of them', { subject: [...CECILIA, ['2.5.4.5', '198112189876']] }, 'request_invalid'],
    ['an attribute that cards do not have', { subject: [...CECILIA, ['2.5.4.7', 'Uppsala']] }, 'request_invalid'],
    ['an empty attribute', { subject: [...CECILIA, ['2.5.4.10', '']] }, 'request_invalid'],
    ['an attribute without end', { subject: [...CECILIA, ['2.5.4.10', 'x'.repeat(129)]] }, 'request_invalid'],
    ['a short card number', { cardNumber: new PrintableString({ value: '975200000000000010' }) }, 'request_invalid'],
    ['a card number of another type', { cardNumber: new Utf8String({ value: CARD_NUMBER }) }, 'request_invalid'],
  ])('with %s is refused', async (_, description, code) => {
    await expect(readRequest(await makeRequest(description))).rejects.toMatchObject({ code });
  });

  it('that was cut off, or goes on, is refused', async () => {
    const der = await makeRequest();
    for (let length = 0; length < der.length; length++)
      await expect(readRequest(der.subarray(0, length))).rejects.toMatchObject({ code: 'request_invalid' });
    await expect(readRequest(Buffer.concat([der, Buffer.of(0)]))).rejects.toMatchObject({ code: 'request_invalid' });
  });

  it('with any one bit changed is refused', async () => {
    const der = await makeRequest();
    // The last part is the signature, SEQUENCE { r, s }, in a BIT STRING: OpenSSL and pkijs take more than one form of it.
    const signatureAt = Buffer.from(der).lastIndexOf(Buffer.of(0x00, 0x30));
    for (let index = 0; index <= signatureAt; index++) {
      for (let bit = 0x01; bit < 0x100; bit <<= 1) {
        const changed = Uint8Array.from(der);
        changed[index] = (der[index] ?? 0) ^ bit;
        await expect(readRequest(changed), `byte ${index}, ${bit}`).rejects.toBeInstanceOf(AuthorityError);
      }
    }
  });
});

import { Sequence } from 'asn1js';
import { expect, test } from 'vitest';
import { DerError, encode } from '../../signing/cms/asn1.ts';
import { encodeName } from '../../signing/certificate-request-asn1.ts';
import { BODY, buildMessage, readMessage } from './cmp-message.ts';

const octets = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);
const EMPTY = encode(new Sequence());

function build(extraCertificates: readonly Uint8Array[] = []): Uint8Array {
  const message = buildMessage(
    {
      version: 2,
      sender: encodeName('CN=desk-7'),
      recipient: encodeName('CN=Card CA,O=Example'),
      time: new Date('2026-02-03T04:05:06Z'),
      protectionAlgorithm: EMPTY,
      senderKeyId: octets(1),
      transactionId: octets(2),
      senderNonce: octets(3),
      recipientNonce: octets(4),
      asksImplicitConfirm: true,
    },
    BODY.pollReq,
    EMPTY,
  );
  return message.protect(octets(5, 6), extraCertificates);
}

test('a message is read as it was built', () => {
  expect(readMessage(build([EMPTY]))).toMatchObject({
    sender: encodeName('CN=desk-7'),
    protectionAlgorithm: new Uint8Array(EMPTY),
    senderKeyId: octets(1),
    transactionId: octets(2),
    senderNonce: octets(3),
    recipientNonce: octets(4),
    grantsImplicitConfirm: true,
    kind: BODY.pollReq,
    protection: octets(5, 6),
    extraCertificates: [new Uint8Array(EMPTY)],
  });
});

test('a name goes from the last relative name to the first, as certificates have it', () => {
  const country = encodeName('CN=A,C=SE');
  expect(Buffer.from(country).indexOf('SE')).toBeLessThan(Buffer.from(country).indexOf('A', 12));
});

test('what is protected is header and body as they stand in the message', () => {
  const bytes = build();
  const { protectedPart } = readMessage(bytes);
  expect(Buffer.from(bytes).includes(Buffer.from(protectedPart.subarray(4)))).toBe(true);
});

test('of a message that is cut or altered anywhere nothing is thrown but DerError', () => {
  const whole = build([EMPTY]);
  let refused = 0;
  const read = (bytes: Uint8Array): void => {
    try {
      readMessage(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(DerError);
      refused++;
    }
  };
  for (let end = 0; end < whole.length; end++) read(whole.subarray(0, end));
  expect(refused).toBe(whole.length);
  for (let at = 0; at < whole.length; at++)
    for (const flip of [0x01, 0x20, 0x80, 0xff]) {
      const altered = Uint8Array.from(whole);
      altered[at] = (altered[at] ?? 0) ^ flip;
      read(altered);
    }
  expect(refused).toBeGreaterThan(whole.length * 2);
});

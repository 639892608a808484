/** CMP answers that were altered, replayed, or protected as they must be and yet no answers: nothing is taken from any of them. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Integer, OctetString, Sequence, Utf8String, type BaseBlock } from 'asn1js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../apdu/secret.ts';
import type { AuthorityEntry } from '../../../daemon/access/issuance-policy.ts';
import { openAuthority, type AuthorityOptions } from '../../../daemon/issuance/authority/authority.ts';
import { BODY, buildMessage, readMessage } from '../../../daemon/issuance/authority/cmp-message.ts';
import { macProtector } from '../../../daemon/issuance/authority/cmp-protection.ts';
import { ApiError } from '../../../daemon/errors.ts';
import type { IssuedCertificate } from '../../../daemon/issuance/authority/issued.ts';
import { Spliced, encode, rawOf, tagged } from '../../../daemon/signing/cms/asn1.ts';
import { startCmpServer } from './cmp-server.ts';
import type { PkiSigner } from '../../signing/pki.ts';
import { createAuthorityDesk, type AuthorityDesk } from './desk.ts';

const SECRET = 'correct horse';
const POSITIONS = 150;
let desk: AuthorityDesk;
let credentials: string;
let signer: PkiSigner;
/** Of a transaction that went well. */
let answers: readonly Uint8Array[];
let signedAnswers: readonly Uint8Array[];

beforeAll(async () => {
  desk = await createAuthorityDesk();
  credentials = await desk.secretFile('credentials', `desk-7:${SECRET}`);
  signer = await desk.pki.issue('cmp', { extensions: 'keyUsage=critical,digitalSignature\nextendedKeyUsage=cmcRA' });
  answers = await record(['-srv_ref', 'ca', '-srv_secret', `pass:${SECRET}`], { credentials });
  const { root, sub } = desk.pki;
  const signs = ['-srv_cert', signer.certificateFile, '-srv_key', signer.keyFile];
  const trusts = ['-srv_trusted', root.certificateFile, '-srv_untrusted', sub.certificateFile];
  signedAnswers = await record([...signs, ...trusts], bySignature());
});
afterAll(() => desk[Symbol.asyncDispose]());

/** What OpenSSL's server answers. */
async function record(parameters: readonly string[], how: Partial<AuthorityEntry>): Promise<readonly Uint8Array[]> {
  const recorded: Uint8Array[] = [];
  const issues = ['-rsp_cert', desk.issued.certificateFile, '-rsp_extracerts', desk.pki.sub.certificateFile];
  await using ca = await startCmpServer(desk.pki, [...parameters, ...issues]);
  await using relay = await startServer(async (question) => {
    const response = await fetch(ca.url, {
      method: 'POST',
      headers: { 'content-type': 'application/pkixcmp' },
      body: Uint8Array.from(question),
    });
    const answer = new Uint8Array(await response.arrayBuffer());
    recorded.push(answer);
    return answer;
  });
  await ask(relay.url, { random: countedRandom() }, how);
  return recorded;
}

const bySignature = (): Partial<AuthorityEntry> => ({
  clientCertificate: desk.workstation.certificateFile,
  clientKey: desk.workstation.keyFile,
  trustAnchors: [desk.pki.root.certificateFile],
});

type Respond = (question: Uint8Array, index: number) => Uint8Array | Promise<Uint8Array>;

async function startServer(respond: Respond): Promise<AsyncDisposable & { readonly url: string }> {
  let count = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      Promise.resolve(respond(new Uint8Array(Buffer.concat(chunks)), count++)).then(
        (answer) => response.writeHead(200, { 'content-type': 'application/pkixcmp' }).end(answer),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The same bytes each time, from `first` on others. */
function countedRandom(first = Infinity): (length: number) => Uint8Array {
  let count = 0;
  return (length) => {
    const seed = count++ < first ? String(count) : `other ${count}`;
    return new Uint8Array(createHash('sha256').update(seed).digest()).subarray(0, length);
  };
}

function ask(
  url: string,
  options: AuthorityOptions = {},
  how: Partial<AuthorityEntry> = { credentials },
): Promise<IssuedCertificate> {
  const entry: AuthorityEntry = { name: 'office', protocol: 'cmp', url, timeoutMs: 3_000, ...how };
  return openAuthority(entry, options).requestCertificate(desk.request, { signal: AbortSignal.timeout(20_000) });
}

const replay: Respond = (_, index) => answers[index] ?? new Uint8Array();

describe('an answer that was', () => {
  test('recorded counts again for the very same question alone', async () => {
    await using server = await startServer(replay);
    expect((await ask(server.url, { random: countedRandom() })).certificate).toEqual(desk.issued.der);
  });

  test.each([
    ['transaction', 0, 'it is of another transaction'],
    ['message of the transaction', 1, 'it answers another message (nonce)'],
  ])('given to another %s is refused', async (_, first, problem) => {
    await using server = await startServer(replay);
    const asked = ask(server.url, { random: countedRandom(first) });
    await expect(asked).rejects.toMatchObject({ code: 'authority_answer_invalid', details: { problem } });
  });

  test.each([
    ['a secret', () => answers, () => desk.pki.sub.der, (): Partial<AuthorityEntry> => ({ credentials })],
    ['a signature', () => signedAnswers, () => signer.der, bySignature],
  ] as const)('altered in any place that %s protects is refused', async (_, recorded, firstBeside, how) => {
    const [answer = new Uint8Array(), confirmed = new Uint8Array()] = recorded();
    const unprotectedFrom = Buffer.from(answer).indexOf(firstBeside());
    expect(unprotectedFrom).toBeGreaterThan(desk.issued.der.length);
    let position: number | undefined;
    await using server = await startServer((question) => {
      if (readMessage(question).kind === BODY.certConf) return confirmed;
      const altered = Uint8Array.from(answer);
      if (position !== undefined) altered[position] = (altered[position] ?? 0) ^ 0x01;
      return altered;
    });
    expect((await ask(server.url, { random: countedRandom() }, how())).certificate).toEqual(desk.issued.der);
    for (let turn = 0; turn < POSITIONS; turn++) {
      position = Math.floor((turn * (unprotectedFrom - 8)) / POSITIONS);
      const asked = ask(server.url, { random: countedRandom() }, how());
      await expect(asked, `byte ${position}`).rejects.toBeInstanceOf(ApiError);
    }
  });
});

/** A protected answer to the question, with this body. */
function answerTo(question: Uint8Array, kind: number, content: BaseBlock): Uint8Array {
  const { transactionId = new Uint8Array(), senderNonce = new Uint8Array() } = readMessage(question);
  const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
  using secret = Secret.fromText(SECRET);
  const dispose = (): void => undefined;
  const protector = macProtector({ name: 'ca', secret, [Symbol.dispose]: dispose }, random);
  const empty = encode(new Sequence());
  const header = {
    version: 2,
    sender: empty,
    recipient: empty,
    time: new Date(),
    protectionAlgorithm: protector.algorithm,
    senderKeyId: undefined,
    transactionId,
    senderNonce: random(16),
    recipientNonce: senderNonce,
    asksImplicitConfirm: false,
  } as const;
  const message = buildMessage(header, kind, encode(content));
  return message.protect(protector.protect(message.protectedPart), []);
}

const sequence = (...value: BaseBlock[]): Sequence => new Sequence({ value });
const number = (value: number): Integer => new Integer({ value });
const certificate = (): BaseBlock => sequence(tagged(0, [new Spliced(desk.issued.der)]));
const response = (id: number, status: number, ...more: BaseBlock[]): Sequence =>
  sequence(number(id), sequence(number(status)), ...more);
const IP = 1;
const GENP = 22;

describe('a protected message that', () => {
  test.each<readonly [string, number, () => BaseBlock, RegExp]>([
    ['holds no certificate', BODY.cp, () => sequence(sequence(response(0, 0))), /holds no certificate/],
    [
      'holds an encrypted certificate',
      BODY.cp,
      () => sequence(sequence(response(0, 0, sequence(tagged(1, [sequence()]))))),
      /holds no certificate/,
    ],
    [
      'holds bytes for a certificate',
      BODY.cp,
      () => sequence(sequence(response(0, 0, sequence(tagged(0, [sequence(number(1))]))))),
      /a certificate that does not parse/,
    ],
    ['answers two requests', BODY.cp, () => sequence(sequence(response(0, 0), response(1, 0))), /not one response/],
    ['is about another request', BODY.cp, () => sequence(sequence(response(7, 0, certificate()))), /about another request/],
    ['holds nothing', BODY.cp, () => sequence(), /not one response/],
    ['answers another kind of request', IP, () => sequence(sequence(response(0, 0, certificate()))), /another message/],
    ['nobody asked for', GENP, () => sequence(), /another message/],
    ['names no status', BODY.cp, () => sequence(sequence(sequence(number(0), sequence()))), /a number is missing/],
    ['tells no time', BODY.pollRep, () => sequence(sequence(number(0))), /a number is missing/],
    ['gives reasons that are none', BODY.error, () => sequence(sequence(number(2), number(1))), /a structure is missing/],
  ])('%s gives no certificate', async (_, kind, content, problem) => {
    await using server = await startServer((question) => answerTo(question, kind, content()));
    await expect(ask(server.url)).rejects.toMatchObject({
      code: 'authority_answer_invalid',
      details: { problem: expect.stringMatching(problem) as string },
    });
  });

  test.each([
    ['never', 2 ** 40, 30 * 86_400_000],
    ['sooner than now', -5, 250],
  ])('wants to be asked again %s is not obeyed to the letter', async (_, seconds, waitMs) => {
    await using server = await startServer((question) =>
      answerTo(question, BODY.pollRep, sequence(sequence(number(0), number(seconds)))),
    );
    await expect(ask(server.url)).rejects.toMatchObject({ code: 'authority_waits', details: { waitMs } });
  });

  test('says again and again that it is not done yet, and not when, is asked a few times a second', async () => {
    let asked = 0;
    await using server = await startServer((question) => {
      asked++;
      return answerTo(question, BODY.cp, sequence(sequence(response(0, 3))));
    });
    await expect(ask(server.url)).rejects.toMatchObject({ code: 'authority_waits' });
    expect(asked).toBeLessThan(15);
  });

  test('says as an error that it is not done yet is waited for', async () => {
    const waits = sequence(sequence(number(3)));
    await using server = await startServer((question, index) => {
      if (index === 0) return answerTo(question, BODY.error, waits);
      if (index === 1) return answerTo(question, BODY.cp, sequence(sequence(response(0, 0, certificate()))));
      return answerTo(question, BODY.pkiconf, new Utf8String({ value: '' }));
    });
    expect((await ask(server.url)).certificate).toEqual(desk.issued.der);
  });
});

test.each([
  ['of the key is confirmed', () => desk.issued.der, '020100'],
  ['of another key is refused', () => desk.strange.der, '0201003003020102'],
])('a certificate %s, by its digest', async (_, issued, end) => {
  let confirmation = '';
  await using server = await startServer((question, index) => {
    if (index === 0)
      return answerTo(question, BODY.cp, sequence(sequence(response(0, 0, sequence(tagged(0, [new Spliced(issued())]))))));
    confirmation = Buffer.from(rawOf(readMessage(question).content)).toString('hex');
    return answerTo(question, BODY.pkiconf, new Utf8String({ value: '' }));
  });
  await ask(server.url).catch(() => undefined);
  const digest = createHash('sha256').update(issued()).digest();
  const hash = Buffer.from(encode(new OctetString({ valueHex: Uint8Array.from(digest) }))).toString('hex');
  expect(confirmation.slice(8)).toBe(`${hash}${end}`);
});

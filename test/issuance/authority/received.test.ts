/**
 * What an authority has issued is not lost between its answer and the card: not by a caller who went away, nor a connection that broke, nor a new start; and nobody waits
 * for the card meanwhile. CMP by OpenSSL's own server.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ceremony } from '../../../api-spec/issuance.ts';
import type { AuthorityEntry } from '../../../daemon/access/issuance-policy.ts';
import { openAuthority } from '../../../daemon/issuance/authority/authority.ts';
import { BODY, readMessage } from '../../../daemon/issuance/authority/cmp-message.ts';
import { ApiError } from '../../../daemon/errors.ts';
import { errorOf, eventually, outcomeOf, resultOf, type Answer } from '../../api/support.ts';
import { issueByUsage } from '../authority.ts';
import { GIVEN, PINS, issue, openOffice, orderReserveCard, stepOf, type Office, type OfficeOptions } from '../office.ts';
import { startCmpServer, type CmpServer } from './cmp-server.ts';
import { createAuthorityDesk, type AuthorityDesk } from './desk.ts';
import { startEstServer, type EstServer, type EstServerOptions } from './est-server.ts';

const SECRET = 'desk-7:correct horse';
let desk: AuthorityDesk;
let credentials: string;
beforeAll(async () => {
  desk = await createAuthorityDesk();
  credentials = await desk.secretFile('credentials', SECRET);
});
afterAll(() => desk[Symbol.asyncDispose]());

interface Waiting extends AsyncDisposable {
  readonly office: Office;
  readonly ceremony: string;
  view(): Promise<Ceremony>;
  request(): Promise<Answer<Ceremony>>;
}

const REQUEST = { authority: 'office', pin: PINS.legitimering } as const;

/** A card whose keys are made, and which waits for its certificates. */
async function openWaiting(entry: Pick<AuthorityEntry, 'protocol' | 'url'>, options: OfficeOptions = {}): Promise<Waiting> {
  await using undo = new AsyncDisposableStack();
  const authorities = [{ name: 'office', ...entry, credentials, timeoutMs: 10_000 }];
  const office = undo.use(await openOffice({ ...options, policy: { issuance: { authorities } } }));
  const { api } = office;
  const { ceremony } = await orderReserveCard(office);
  resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
  resultOf(await api.call('issuance.resume', { ceremony, ...GIVEN.underskrift }));
  const resources = undo.move();
  return {
    ...{ office, ceremony },
    view: async () => resultOf(await api.call('issuance.get', { ceremony })),
    request: () => api.call('issuance.requestCertificates', { ceremony, ...REQUEST }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function jobOf(ceremony: Ceremony): NonNullable<Ceremony['steps'][number]['job']> {
  const { job } = stepOf(ceremony, 'download');
  if (!job) throw new Error('the card has no job');
  return job;
}

function issueFor(request: string): string {
  const der = Buffer.from(request.replaceAll(/-----[A-Z ]+-----/g, ''), 'base64');
  return new X509Certificate(issueByUsage(new Uint8Array(der))).toString();
}

function startEst(more: Partial<EstServerOptions> = {}): Promise<EstServer> {
  return startEstServer({ pki: desk.pki, password: SECRET, issueBy: issueFor, ...more });
}

const enrolments = ({ asked }: EstServer): number => asked.filter((path) => path.endsWith('/simpleenroll')).length;

/** Holds the answer to one enrolment back until it is opened. */
function gate(number: number): { readonly open: () => void; readonly pass: () => Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let count = 0;
  return { open: () => resolve(undefined), pass: () => (++count === number ? promise : Promise.resolve()) };
}

/** It is over for the ceremony when nobody is at work on it. */
async function whenIdle({ office, ceremony }: Waiting): Promise<void> {
  const outcome = async (): Promise<string> => outcomeOf(await office.api.call('issuance.confirm', { ceremony }));
  await expect.poll(outcome, { timeout: 10_000 }).not.toBe('ceremony_busy');
}

describe('while an authority has not answered', () => {
  test('the card is free for others', async () => {
    const held = gate(1);
    await using ca = await startEst({ before: held.pass });
    await using waiting = await openWaiting({ protocol: 'est', url: ca.url });
    const answer = waiting.request();
    await eventually('the authority being asked', () => enrolments(ca) === 1);
    const other = await waiting.office.bench.socket();
    const card = { role: 'holder' };
    expect(resultOf(await other.call('card.read', { card, refresh: true })).keys.length).toBeGreaterThan(0);
    const { lease } = resultOf(await other.call('card.lease', { card }));
    resultOf(await other.call('card.release', { lease }));
    held.open();
    expect(jobOf(resultOf(await answer)).phase).toBe('finished');
  });

  test.each([1, 2])('a caller who goes away loses nothing: certificate %i', async (number) => {
    const held = gate(number);
    await using ca = await startEst({ before: held.pass });
    await using waiting = await openWaiting({ protocol: 'est', url: ca.url });
    const { ceremony, office } = waiting;
    const page = await office.bench.socket();
    const gone = page.call('issuance.requestCertificates', { ceremony, ...REQUEST });
    gone.catch(() => undefined);
    await eventually('the authority being asked', () => enrolments(ca) === number);
    await page[Symbol.asyncDispose]();
    held.open();
    await whenIdle(waiting);
    const kept = await waiting.view();
    expect(jobOf(kept)).toMatchObject({ phase: 'waiting', keys: [{ isWritten: false }, { isWritten: false }] });
    expect(kept.nextCall).toBe(number === 2 ? 'issuance.resume' : 'issuance.writeCertificates');
    // All that is missing is asked for, and when nothing is, nobody.
    if (number === 2) await ca[Symbol.asyncDispose]();
    const { legitimering } = GIVEN;
    const goOn = number === 2 ? office.api.call('issuance.resume', { ceremony, ...legitimering }) : waiting.request();
    expect(jobOf(resultOf(await goOn)).phase).toBe('finished');
    expect(enrolments(ca)).toBe(2);
  });
});

test('what was issued outlives a new start, with the card out of its reader', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'kortd-received-'));
  using undo = new DisposableStack();
  undo.defer(() => rmSync(dataFolder, { recursive: true, force: true }));
  const ca = await startEst();
  let ceremony = '';
  const card = await (async () => {
    await using waiting = await openWaiting({ protocol: 'est', url: ca.url }, { dataFolder });
    ({ ceremony } = waiting);
    waiting.office.take('holder');
    expect(outcomeOf(await waiting.request())).toBe('no_card');
    expect(enrolments(ca)).toBe(2);
    return waiting.office.cards.reserve;
  })();
  await ca[Symbol.asyncDispose]();
  await using office = await openOffice({ dataFolder, isEmpty: true });
  await office.put(card, 'holder');
  const view = resultOf(await office.api.call('issuance.resume', { ceremony, ...GIVEN.legitimering }));
  expect(jobOf(view)).toMatchObject({ phase: 'finished' });
});

test('what the journal cannot be told is not asked for', async () => {
  await using ca = await startEst({ issueBy: undefined });
  const authority = openAuthority({ name: 'office', protocol: 'est', url: ca.url, credentials });
  const full = new ApiError('journal_unavailable', 'the disk is full');
  const onAsking = (): void => {
    throw full;
  };
  const asking = authority.requestCertificate(desk.request, { signal: AbortSignal.timeout(20_000), onAsking });
  await expect(asking).rejects.toBe(full);
  expect(enrolments(ca)).toBe(0);
});

test('what cannot be kept is remembered, and not issued again', async () => {
  await using ca = await startEst({ issueBy: undefined });
  const authority = openAuthority({ name: 'office', protocol: 'est', url: ca.url, credentials });
  const signal = AbortSignal.timeout(20_000);
  const full = new ApiError('journal_unavailable', 'the disk is full');
  const refuse = (): void => {
    throw full;
  };
  await expect(authority.requestCertificate(desk.request, { signal, onReceived: refuse })).rejects.toBe(full);
  const kept: Uint8Array[] = [];
  const take = { signal, onReceived: ({ certificate }: { certificate: Uint8Array }) => void kept.push(certificate) };
  const { certificate } = await authority.requestCertificate(desk.request, take);
  expect(kept).toEqual([certificate]);
  expect(enrolments(ca)).toBe(1);
  // What was kept is another's affair: asked for anew, it is issued anew.
  await authority.requestCertificate(desk.request, take);
  expect(enrolments(ca)).toBe(2);
});

/** What becomes of a message on the way to the authority, or of its answer. */
type Fate = 'delivered' | 'answer lost' | 'lost';

interface Relay extends AsyncDisposable {
  readonly url: string;
  /** Kinds of the messages that came, in order. */
  readonly kinds: readonly number[];
}

/** One of OpenSSL's servers for each request, which it has its certificate of; asked for again, it answers again. */
async function startRelay(servers: () => readonly CmpServer[], fateOf: (kind: number) => Fate): Promise<Relay> {
  const kinds: number[] = [];
  const byRequest = new Map<string, number>();
  const byTransaction = new Map<string, number>();
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { kind, content, transactionId } = readMessage(new Uint8Array(body));
    kinds.push(kind);
    const transaction = Buffer.from(transactionId ?? []).toString('hex');
    if (kind === BODY.p10cr) {
      const asked = Buffer.from(content.toBER()).toString('hex');
      byRequest.set(asked, byRequest.get(asked) ?? byRequest.size);
      byTransaction.set(transaction, byRequest.get(asked) ?? 0);
    }
    const fate = fateOf(kind);
    const server = servers()[byTransaction.get(transaction) ?? 0];
    if (fate === 'lost' || !server) return void response.destroy();
    const headers = { 'content-type': 'application/pkixcmp' };
    const answer = await fetch(server.url, { method: 'POST', headers, body: new Uint8Array(body) });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (fate === 'answer lost') response.destroy();
    else response.writeHead(answer.status, headers).end(bytes);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    ...{ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, kinds },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface CmpOffice extends AsyncDisposable {
  readonly waiting: Waiting;
  readonly relay: Relay;
  readonly count: (kind: number) => number;
}

/** `fates`: of the confirmations, in order; all others are delivered. */
async function openCmp(fates: Fate[], options: OfficeOptions = {}): Promise<CmpOffice> {
  await using undo = new AsyncDisposableStack();
  const servers: CmpServer[] = [];
  const fateOf = (kind: number): Fate => (kind === BODY.certConf ? (fates.shift() ?? 'delivered') : 'delivered');
  const relay = undo.use(await startRelay(() => servers, fateOf));
  const waiting = undo.use(await openWaiting({ protocol: 'cmp', url: relay.url }, options));
  for (const { keyReference, usage, request = '' } of jobOf(await waiting.view()).keys) {
    const file = await desk.pki.file(`cmp-${keyReference}.pem`, issue(request, usage));
    const secret = ['-srv_ref', 'ca', '-srv_secret', 'pass:correct horse'];
    servers.push(undo.use(await startCmpServer(desk.pki, [...secret, '-rsp_cert', file])));
  }
  const resources = undo.move();
  return {
    ...{ waiting, relay },
    count: (kind) => relay.kinds.filter((one) => one === kind).length,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

describe('by CMP, a certificate that came', () => {
  test('and whose confirmation was lost is confirmed in its own transaction, and not asked for again', async () => {
    await using cmp = await openCmp(['lost']);
    const { waiting, count } = cmp;
    expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_unreachable' });
    expect([count(BODY.p10cr), count(BODY.certConf)]).toEqual([1, 1]);
    const done = resultOf(await waiting.request());
    expect(jobOf(done).phase).toBe('finished');
    expect(done.reports).toEqual([]);
    expect([count(BODY.p10cr), count(BODY.certConf)]).toEqual([2, 3]);
  });

  test('is confirmed after a new start, too', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'kortd-received-'));
    using undo = new DisposableStack();
    undo.defer(() => rmSync(dataFolder, { recursive: true, force: true }));
    await using cmp = await openCmp(['delivered', 'lost'], { dataFolder });
    const { waiting, relay, count } = cmp;
    expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_unreachable' });
    const { ceremony, office } = waiting;
    const { cards } = office;
    await office[Symbol.asyncDispose]();
    const authorities = [{ name: 'office', protocol: 'cmp', url: relay.url, credentials, timeoutMs: 10_000 }];
    await using later = await openOffice({ dataFolder, policy: { issuance: { authorities } }, isEmpty: true });
    await later.put(cards.reserve, 'holder');
    const done = resultOf(await later.api.call('issuance.requestCertificates', { ceremony, ...REQUEST }));
    expect(jobOf(done).phase).toBe('finished');
    expect([count(BODY.p10cr), count(BODY.certConf)]).toEqual([2, 3]);
  });

  test.each<readonly [string, Fate[]]>([
    ['the first', ['answer lost']],
    ['the second', ['delivered', 'answer lost']],
  ])(
    'and that the authority knows nothing more of is reported for revocation, and alone asked for anew: %s',
    async (_, fates) => {
      await using cmp = await openCmp([...fates]);
      const { waiting, count } = cmp;
      expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_unreachable' });
      // OpenSSL's server has ended the transaction: it cannot be told whether the certificate counts.
      expect(errorOf(await waiting.request())).toMatchObject({ code: 'authority_refused' });
      expect((await waiting.view()).reports).toEqual(['revocation']);
      const done = resultOf(await waiting.request());
      expect(jobOf(done).phase).toBe('finished');
      expect(count(BODY.p10cr)).toBe(3);
    },
  );
});

/** What a user does, from end to end, over REST and over WebSocket alike. */
import { createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyOptions } from '../../daemon/signing/verify-options.ts';
import { createOpensslCa, type OpensslCa } from '../support/openssl-ca.ts';
import { tool } from '../support/program.ts';
import {
  INS,
  PIN,
  PUK,
  TRANSPORTS,
  WRONG_PIN,
  WRONG_PUK,
  cardKey,
  errorOf,
  openBench,
  outcomeOf,
  resultOf,
  spkiOf,
  testKey,
  watchedPivCard,
  type Bench,
  type Transport,
  type WatchedPivCard,
} from './support.ts';

interface Desk {
  readonly bench: Bench;
  readonly card: WatchedPivCard;
  readonly id: string;
  readonly api: Transport;
}

/** A bench with one card in it, in the order in which they are to be closed. */
async function openDesk(stack: AsyncDisposableStack, transport: 'REST' | 'WebSocket', card = watchedPivCard()): Promise<Desk> {
  const bench = stack.use(await openBench());
  return { bench, card, id: await bench.insert(card), api: await bench.transport(transport) };
}

const managementKey = 'default';
let authority: OpensslCa;
beforeAll(async () => void (authority = await createOpensslCa()));
afterAll(() => authority[Symbol.asyncDispose]());

/** What `openssl req -verify` says of a request. */
async function verifyRequest(request: string): Promise<string> {
  return await tool('openssl', ['req', '-in', await authority.file('request.pem', request), '-verify', '-noout', '-text']);
}

describe.each(TRANSPORTS)('over %s', (name) => {
  it('the readers and the cards in them are listed', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench({ readers: [{ name: 'Left' }, { name: 'Right', keypad: () => PIN }] }));
    const id = await bench.insert(watchedPivCard({ serialNumber: 4711 }), 1);
    const api = await bench.transport(name);
    const { readers } = resultOf(await api.call('reader.list'));
    expect(readers).toMatchObject([
      { id: bench.readerId(0), name: 'Left', source: 'simulated', status: 'empty', hasKeypad: false },
      { id: bench.readerId(1), name: 'Right', source: 'simulated', status: 'present', hasKeypad: true, card: id },
    ]);
    const { cards } = resultOf(await api.call('card.list'));
    expect(cards).toMatchObject([
      { id, reader: bench.readerId(1), status: 'ready', application: { id: 'piv', serialNumber: '4711' } },
    ]);
    expect(resultOf(await api.call('system.health'))).toMatchObject({ status: 'ok', readers: 2, cards: 1 });
    expect(resultOf(await api.call('system.info'))).toMatchObject({ product: 'kortd', simulated: true });
  });

  it('a card is read by its id, and by its reader', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, bench, id } = await openDesk(stack, name, watchedPivCard({ keys: { '9A': cardKey('P-256') } }));
    const byId = resultOf(await api.call('card.read', { card: id }));
    expect(byId.pins).toMatchObject([
      { reference: '80', kind: 'pin', attemptsRemaining: 3, minLength: 6, maxLength: 8 },
      { reference: '81', kind: 'puk' },
    ]);
    expect(byId.keys.find((key) => key.keyReference === '9A')).toMatchObject({
      algorithm: 'P-256',
      publicKey: spkiOf(testKey('P-256').publicKey),
      signatureAlgorithms: ['ES256'],
    });
    expect(byId.certificates).toEqual([]);
    const byReader = resultOf(await api.call('card.read', { card: { reader: bench.readerId() } }));
    expect(byReader).toEqual(byId);
  });

  it('what was read once is not read again, unless the caller says so', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name);
    resultOf(await api.call('card.read', { card: id }));
    card.forget();
    resultOf(await api.call('card.read', { card: id }));
    expect(card.exchanges, card.commands.join(' ')).toBeLessThanOrEqual(2);
    card.forget();
    resultOf(await api.call('card.read', { card: id, refresh: true }));
    expect(card.count(INS.getData)).toBeGreaterThan(3);
  });

  it('a PIN is verified, and its tries are told', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name);
    expect(resultOf(await api.call('pin.verify', { card: id, pin: PIN })).pin).toMatchObject({
      reference: '80',
      attemptsRemaining: 3,
    });
    const wrong = errorOf(await api.call('pin.verify', { card: id, pin: WRONG_PIN }));
    expect(wrong).toMatchObject({ code: 'pin_rejected', details: { attemptsRemaining: 2 } });
    expect(card.inner.state().pin.attemptsRemaining).toBe(2);
    expect(resultOf(await api.call('pin.verify', { card: id, pin: PIN })).pin.attemptsRemaining).toBe(3);
    expect(card.inner.state().pin.attemptsRemaining).toBe(3);
  });

  it('a verified PIN counts for its own call only: the card is reset afterwards', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name);
    const before = card.resets;
    resultOf(await api.call('pin.verify', { card: id, pin: PIN }));
    expect(card.resets).toBe(before + 1);
    const status = resultOf(await api.call('card.transmit', { card: id, commands: ['00a4040005a000000308', '00200080'] }));
    expect(status.responses[1]?.statusWord).toBe('63C3');
  });

  it('PIN and PUK are changed, and the old ones are worth nothing afterwards', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, id } = await openDesk(stack, name);
    resultOf(await api.call('pin.change', { card: id, pin: PIN, newPin: '24681357' }));
    expect(outcomeOf(await api.call('pin.verify', { card: id, pin: PIN }))).toBe('pin_rejected');
    expect(outcomeOf(await api.call('pin.verify', { card: id, pin: '24681357' }))).toBe('ok');
    const changed = resultOf(await api.call('pin.change', { card: id, pinReference: '81', pin: PUK, newPin: '13572468' }));
    expect(changed.pin).toMatchObject({ reference: '81', kind: 'puk' });
    expect(outcomeOf(await api.call('pin.unblock', { card: id, puk: PUK, newPin: PIN }))).toBe('pin_rejected');
  });

  it('a blocked PIN is unblocked with the PUK', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name);
    for (const expected of ['pin_rejected', 'pin_rejected', 'pin_blocked'])
      expect(outcomeOf(await api.call('pin.verify', { card: id, pin: WRONG_PIN, allowLastTry: true }))).toBe(expected);
    expect(errorOf(await api.call('pin.unblock', { card: id, puk: WRONG_PUK, newPin: '112233' }))).toMatchObject({
      code: 'pin_rejected',
      details: { attemptsRemaining: 2 },
    });
    const { pin } = resultOf(await api.call('pin.unblock', { card: id, puk: PUK, newPin: '112233' }));
    expect(pin).toMatchObject({ reference: '80', attemptsRemaining: 3 });
    expect(outcomeOf(await api.call('pin.verify', { card: id, pin: '112233' }))).toBe('ok');
    expect(card.inner.state().puk.attemptsRemaining).toBe(3);
  });

  it.each([
    ['P-256', 'ES256', '9A'],
    ['P-384', 'ES384', '9C'],
    ['RSA-2048', 'RS256', '9A'],
    ['RSA-2048', 'PS256', '9C'],
  ] as const)('a key %s lives with %s in %s from its making to its end', async (algorithm, signatureAlgorithm, keyReference) => {
    await using stack = new AsyncDisposableStack();
    const { api, id } = await openDesk(stack, name);
    const at = { card: id, keyReference };
    const { key } = resultOf(await api.call('key.generate', { ...at, algorithm, managementKey }));
    expect(key).toMatchObject({ keyReference, algorithm, origin: 'generated' });
    const publicKey = createPublicKey({ key: Buffer.from(key.publicKey ?? '', 'base64'), format: 'der', type: 'spki' });

    const subject = 'CN=Anna Andersson,O=Region Test,C=SE';
    const { request } = resultOf(
      await api.call('certificate.request', { ...at, subject, algorithm: signatureAlgorithm, pin: PIN }),
    );
    const verified = await verifyRequest(request);
    expect(verified).toContain('verify OK');
    expect(verified).toMatch(/Subject: C = SE, O = Region Test, CN = Anna Andersson/);
    if (signatureAlgorithm === 'PS256') expect(verified).toContain('rsassaPss');

    const issued = new X509Certificate(await authority.issue(request));
    const { certificate } = resultOf(
      await api.call('certificate.write', { ...at, certificate: issued.toString(), managementKey }),
    );
    expect(certificate).toMatchObject({
      keyReference,
      parsed: { subject, issuer: 'CN=Test CA', serialNumber: issued.serialNumber },
    });
    const { certificates } = resultOf(await api.call('certificate.list', { card: id }));
    expect(certificates).toEqual([{ ...certificate, certificate: issued.raw.toString('base64') }]);
    expect(issued.publicKey.equals(publicKey)).toBe(true);

    const { hash, ...options } = verifyOptions(signatureAlgorithm, issued.publicKey);
    const message = Buffer.from('a receipt');
    const digest = createHash(hash).update(message).digest('base64');
    const { signature } = resultOf(await api.call('sign.digest', { ...at, algorithm: signatureAlgorithm, digest, pin: PIN }));
    expect(verify(hash, message, options, Buffer.from(signature, 'base64'))).toBe(true);

    resultOf(await api.call('certificate.delete', { ...at, managementKey }));
    expect(resultOf(await api.call('certificate.list', { card: id })).certificates).toEqual([]);
    resultOf(await api.call('key.delete', { ...at, managementKey }));
    expect(outcomeOf(await api.call('sign.digest', { ...at, algorithm: signatureAlgorithm, digest, pin: PIN }))).toBe(
      'key_not_found',
    );
  });

  it('a key reference is the same in small letters', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, id } = await openDesk(stack, name);
    const made = resultOf(await api.call('key.generate', { card: id, keyReference: '9a', algorithm: 'P-256', managementKey }));
    expect(made.key.keyReference).toBe('9A');
    const digest = Buffer.alloc(32, 1).toString('base64');
    const signed = await api.call('sign.digest', { card: id, keyReference: '9a', algorithm: 'ES256', digest, pin: PIN });
    expect(resultOf(signed).keyReference).toBe('9A');
  });

  it('a plain PIV card proves its key by a signature when it does not tell it', async () => {
    await using stack = new AsyncDisposableStack();
    const bench = stack.use(await openBench());
    const card = watchedPivCard({ profile: 'plain' });
    const first = await bench.insert(card);
    const api = await bench.transport(name);
    const at = { keyReference: '9C' };
    const made = resultOf(await api.call('key.generate', { ...at, card: first, algorithm: 'P-256', managementKey }));
    const { publicKey } = made.key;
    bench.reader().remove();
    const id = await bench.insert(card);
    const subject = 'CN=Bo Berg';
    expect(outcomeOf(await api.call('certificate.request', { ...at, card: id, subject, pin: PIN }))).toBe('key_not_found');
    const { request } = resultOf(await api.call('certificate.request', { ...at, card: id, subject, publicKey, pin: PIN }));
    const certificate = await authority.issue(request);
    expect(outcomeOf(await api.call('certificate.write', { ...at, card: id, certificate, managementKey }))).toBe('key_unproven');
    expect(outcomeOf(await api.call('certificate.write', { ...at, card: id, certificate, managementKey, pin: PIN }))).toBe('ok');
  });

  it('commands are transmitted as they are, all in one transaction', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name);
    card.forget();
    const commands = ['00A4040005A000000308', '00CB3FFF055C035FC10200', '00fdffff'];
    const { responses } = resultOf(await api.call('card.transmit', { card: id, commands }));
    expect(responses.map(({ statusWord }) => statusWord)).toEqual(['9000', '9000', expect.stringMatching(/^6/)]);
    expect(responses[1]?.data).toMatch(/^53[0-9A-F]+$/);
    expect(card.commands.map((command) => command.toUpperCase())).toEqual(commands.map((command) => command.toUpperCase()));
  });

  it('a card is reset after raw commands with a PIN', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name);
    const before = card.resets;
    resultOf(await api.call('card.transmit', { card: id, commands: ['00A4040005A000000308'] }));
    expect(card.resets).toBe(before);
    resultOf(await api.call('card.transmit', { card: id, commands: ['00A4040005A000000308', '0020008008313233343536ffff'] }));
    expect(card.resets).toBe(before + 1);
  });

  it('a repeated key.generate with the same idempotency key is done once', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name);
    card.forget();
    const params = { card: id, keyReference: '9A', algorithm: 'P-256', managementKey };
    const [first, second] = await Promise.all([
      api.call('key.generate', params, { idempotencyKey: 'make-9a' }),
      api.call('key.generate', params, { idempotencyKey: 'make-9a' }),
    ]);
    const third = await api.call('key.generate', params, { idempotencyKey: 'make-9a' });
    expect(resultOf(second)).toEqual(resultOf(first));
    expect(resultOf(third)).toEqual(resultOf(first));
    expect(card.count(INS.generate)).toBe(1);
    expect(resultOf(await api.call('key.generate', params, { idempotencyKey: 'again' }))).not.toEqual(resultOf(first));
  });

  it('an idempotency key used for another call is refused', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name);
    resultOf(await api.call('pin.verify', { card: id, pin: PIN }, { idempotencyKey: 'one' }));
    card.forget();
    for (const [method, params] of [
      ['pin.verify', { card: id, pin: WRONG_PIN }],
      ['card.read', { card: id }],
    ] as const)
      expect(outcomeOf(await api.call(method, params, { idempotencyKey: 'one' }))).toBe('idempotency_conflict');
    expect(card.exchanges).toBe(0);
  });

  it('a lease keeps the card for those who name it, can be extended and given back', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, bench, id } = await openDesk(stack, name);
    const leased = resultOf(await api.call('card.lease', { card: id, purpose: 'enrolment', durationMs: 20_000 }));
    const { lease } = leased;
    expect(leased).toMatchObject({ card: id, fence: 1 });
    const { cards } = resultOf(await api.call('card.list'));
    expect(cards[0]?.lease).toMatchObject({ purpose: 'enrolment', expiresAt: leased.expiresAt });
    expect(outcomeOf(await api.call('card.read', { card: id, lease }))).toBe('ok');
    const extended = resultOf(await api.call('card.lease', { card: id, lease, durationMs: 60_000 }));
    expect(extended).toMatchObject({ lease, fence: 1 });
    expect(Date.parse(extended.expiresAt)).toBeGreaterThan(Date.parse(leased.expiresAt));
    const other = await bench.socket();
    expect(outcomeOf(await other.call('card.read', { card: id }))).toBe('card_busy');
    resultOf(await api.call('card.release', { lease }));
    expect(outcomeOf(await other.call('card.read', { card: id }))).toBe('ok');
    expect(resultOf(await api.call('card.lease', { card: id })).fence).toBe(2);
  });
});

describe('over a WebSocket alone', () => {
  it('the version is chosen, and one out of range is refused before it is stored', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    expect(api.greeting).toMatchObject({
      product: 'kortd',
      apiVersion: { lowest: 1, highest: 1 },
      sequence: expect.any(Number) as number,
    });
    expect(resultOf(await api.call('version.select', { apiVersion: 1 }))).toEqual({ apiVersion: 1 });
    for (const apiVersion of [0, 2, -1])
      expect(errorOf(await api.call('version.select', { apiVersion }))).toMatchObject({
        code: 'version_unsupported',
        details: { lowest: 1, highest: 1 },
      });
  });

  it('a lease ends with its connection', async () => {
    await using bench = await openBench();
    const id = await bench.insert(watchedPivCard());
    const [holder, other] = [await bench.socket(), await bench.socket()];
    resultOf(await holder.call('card.lease', { card: id }));
    expect(outcomeOf(await other.call('card.read', { card: id }))).toBe('card_busy');
    resultOf(await other.call('event.subscribe', { events: ['card.changed'] }));
    holder.socket.close();
    await other.notice('event');
    expect(outcomeOf(await other.call('card.read', { card: id }))).toBe('ok');
  });

  it('calls of one batch are answered together, notifications not at all', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    api.sendText(
      JSON.stringify([
        { jsonrpc: '2.0', id: 'a', method: 'system.info' },
        { jsonrpc: '2.0', method: 'system.info' },
        { jsonrpc: '2.0', id: 'b', method: 'no.such' },
      ]),
    );
    const batch = await api.find('the batch', () => api.messages.find((message) => Array.isArray(message)));
    expect(batch).toMatchObject([
      { id: 'a', result: { product: 'kortd' } },
      { id: 'b', error: { code: -32601, data: { code: 'method_not_found' } } },
    ]);
    expect(batch).toHaveLength(2);
    api.sendText(JSON.stringify([{ jsonrpc: '2.0', method: 'system.info' }]));
    resultOf(await api.call('system.info'));
    expect(api.messages.filter(Array.isArray)).toHaveLength(1);
  });
});

describe('on a reader with a keypad', () => {
  it('the PIN is typed there: the call carries none, and subscribers hear of the prompt', async () => {
    const asked: string[] = [];
    const keypad = ({ asks }: { asks: string }): string => {
      asked.push(asks);
      return asks === 'pin' ? PIN : '778899';
    };
    await using bench = await openBench({ readers: [{ keypad }] });
    const card = watchedPivCard({ keys: { '9A': cardKey('P-256') } });
    const id = await bench.insert(card);
    const api = await bench.socket();
    resultOf(await api.call('event.subscribe', { events: ['pin.prompted'] }));
    resultOf(await api.call('pin.verify', { card: id }));
    expect(api.notices('event').map(({ params }) => params)).toMatchObject([
      { name: 'pin.prompted', data: { card: id, reader: bench.readerId(), pinReference: '80', where: 'keypad' } },
    ]);
    const digest = Buffer.alloc(32, 7).toString('base64');
    resultOf(await api.call('sign.digest', { card: id, keyReference: '9A', algorithm: 'ES256', digest }));
    resultOf(await api.call('certificate.request', { card: id, keyReference: '9A', subject: 'CN=Anna' }));
    expect(asked).toEqual(['pin', 'pin', 'pin']);
    resultOf(await api.call('pin.change', { card: id }));
    expect(asked.slice(3)).toEqual(['pin', 'newPin', 'newPinAgain']);
    expect(api.notices('event')).toHaveLength(4);
    expect(outcomeOf(await api.call('pin.verify', { card: id, pin: '778899' }))).toBe('ok');
  });

  it.each([
    ['cancel', 'pin_cancelled'],
    ['timeout', 'card_unresponsive'],
    ['123', 'reader_failed'],
    [WRONG_PIN, 'pin_rejected'],
  ])('typing "%s" ends in %s', async (typed, code) => {
    await using bench = await openBench({ readers: [{ keypad: () => typed }] });
    const card = watchedPivCard();
    const id = await bench.insert(card);
    const api = await bench.socket();
    expect(outcomeOf(await api.call('pin.verify', { card: id }))).toBe(code);
    expect(card.inner.state().pin.attemptsRemaining).toBe(typed === WRONG_PIN ? 2 : 3);
  });
});

/** Changing what is on an eID card over the API: keys made, certificates requested, written, added and deleted, by a PIN. Whatever goes wrong leaves the card as it was. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { MethodName } from '../../api-spec/methods/index.ts';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import { TestStation } from '../prompts/station.ts';
import { openDesk, stateOf, type EidDesk } from './eid-desk.ts';
import {
  certificateFor,
  errorOf,
  eventually,
  INS,
  openBench,
  outcomeOf,
  resultOf,
  RpcSocket,
  testKey,
  type Bench,
  type BenchOptions,
} from './support.ts';

/** One of each profile of the simulated card, and the kind of its keys. */
const CARDS = [
  ['anna', 'nidel'],
  ['bjorn', 'myeid'],
  ['cecilia', 'plain'],
  ['david', 'plain'],
] as const;
const LOGIN = '45';
const SIGNING = '46';
const PAGE = 'https://portal.example';
const MESSAGE = Buffer.from('a receipt');

type Spki = string | undefined;

const keyOf = (publicKey: Spki): ReturnType<typeof createPublicKey> =>
  createPublicKey({ key: Buffer.from(publicKey ?? '', 'base64'), format: 'der', type: 'spki' });

async function certificatesOf({ api, id }: EidDesk, keyReference: string): Promise<readonly string[]> {
  const { certificates } = resultOf(await api.call('certificate.list', { card: id }));
  return certificates.filter((one) => one.keyReference === keyReference).map(({ certificate }) => certificate);
}

/** Made of the same kind as the key that is there. */
async function generate({ api, id, pins }: EidDesk, keyReference: string): Promise<Spki> {
  const { keys } = resultOf(await api.call('card.read', { card: id }));
  const before = keys.find((key) => key.keyReference === keyReference);
  const params = { card: id, keyReference, algorithm: before?.algorithm, pin: pins[before?.pin ?? ''] };
  const { key } = resultOf(await api.call('key.generate', params));
  expect(key).toMatchObject({ label: before?.label, usage: before?.usage, pin: before?.pin, pinPolicy: before?.pinPolicy });
  expect(key.publicKey).not.toBe(before?.publicKey);
  return key.publicKey;
}

async function isMadeBy({ api, id, pins }: EidDesk, keyReference: string, publicKey: Spki): Promise<boolean> {
  const { keys } = resultOf(await api.call('card.read', { card: id }));
  const key = keys.find((one) => one.keyReference === keyReference);
  const algorithm: SignatureAlgorithm = key?.signatureAlgorithms?.[0] ?? 'RS256';
  const hash = `sha${algorithm.slice(2)}`;
  const digest = createHash(hash).update(MESSAGE).digest('base64');
  const params = { card: id, keyReference, algorithm, digest, pin: pins[key?.pin ?? ''] };
  const { signature } = resultOf(await api.call('sign.digest', params));
  return verify(hash, MESSAGE, { key: keyOf(publicKey), dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64'));
}

describe.each(CARDS)('the card of %s (%s)', (persona) => {
  it.each([LOGIN, SIGNING])('has key %s made anew, requested for, certified and used', async (keyReference) => {
    await using bench = await openBench();
    const desk = await openDesk(bench, persona);
    const { api, id, pins } = desk;
    const [writer] = Object.values(pins);
    const publicKey = await generate(desk, keyReference);
    const pin = keyReference === LOGIN ? writer : Object.values(pins)[1];
    const { request } = resultOf(await api.call('certificate.request', { card: id, keyReference, subject: 'CN=Anna', pin }));
    expect(request).toContain('BEGIN CERTIFICATE REQUEST');
    const certificate = certificateFor(keyOf(publicKey));
    resultOf(await api.call('certificate.write', { card: id, keyReference, certificate, pin: writer }));
    expect(await certificatesOf(desk, keyReference)).toEqual([certificate]);
    expect(await isMadeBy(desk, keyReference, publicKey)).toBe(true);
  });

  it('tells the key that was made, also when it is put in again', async () => {
    await using bench = await openBench();
    const desk = await openDesk(bench, persona);
    const publicKey = await generate(desk, SIGNING);
    bench.reader().remove();
    const id = await bench.insert(desk.card);
    const again = { ...desk, id };
    const [writer] = Object.values(desk.pins);
    const params = { card: id, keyReference: SIGNING, pin: writer };
    const wrong = certificateFor(testKey('P-256', 'another').publicKey);
    expect(outcomeOf(await desk.api.call('certificate.write', { ...params, certificate: wrong }))).toBe(
      'certificate_key_mismatch',
    );
    const certificate = certificateFor(keyOf(publicKey));
    resultOf(await desk.api.call('certificate.write', { ...params, certificate }));
    expect(await isMadeBy(again, SIGNING, publicKey)).toBe(true);
  });

  it('holds several certificates for a key, of which one is deleted by its fingerprint, or all', async () => {
    await using bench = await openBench();
    const desk = await openDesk(bench, persona);
    const { api, id, pins } = desk;
    const [pin] = Object.values(pins);
    const { keys, certificates } = resultOf(await api.call('card.read', { card: id }));
    const { publicKey } = keys.find(({ keyReference }) => keyReference === LOGIN) ?? {};
    const first = certificates.find(({ keyReference }) => keyReference === LOGIN);
    const further = certificateFor(keyOf(publicKey), { name: 'HSA-id' });
    const params = { card: id, keyReference: LOGIN, pin };
    resultOf(await api.call('certificate.write', { ...params, certificate: further, add: true }));
    expect(await certificatesOf(desk, LOGIN)).toEqual([first?.certificate, further]);
    resultOf(await api.call('certificate.delete', { ...params, fingerprint: first?.parsed?.fingerprint.toLowerCase() }));
    expect(await certificatesOf(desk, LOGIN)).toEqual([further]);
    const before = stateOf(desk.card);
    const gone = await api.call('certificate.delete', { ...params, fingerprint: first?.parsed?.fingerprint });
    expect(outcomeOf(gone)).toBe('object_not_found');
    expect(stateOf(desk.card)).toEqual(before);
    resultOf(await api.call('certificate.write', { ...params, certificate: first?.certificate, add: true }));
    resultOf(await api.call('certificate.delete', params));
    expect(await certificatesOf(desk, LOGIN)).toEqual([]);
    expect(await certificatesOf(desk, SIGNING)).toHaveLength(1);
  });

  it('tells which certificates are those of authorities', async () => {
    await using bench = await openBench();
    const { api, id } = await openDesk(bench, persona);
    const { certificates } = resultOf(await api.call('certificate.list', { card: id }));
    expect(certificates.map(({ keyReference, isAuthority }) => [keyReference, isAuthority])).toEqual([
      [LOGIN, undefined],
      [SIGNING, undefined],
      ['47', true],
      ['48', true],
    ]);
  });
});

describe('a reserve card', () => {
  it('becomes a person’s: two keys, two certificates', async () => {
    await using bench = await openBench();
    const desk = await openDesk(bench, 'reserve');
    const { api, id, pins } = desk;
    const [writer] = Object.values(pins);
    for (const keyReference of [LOGIN, SIGNING]) {
      const publicKey = await generate(desk, keyReference);
      const certificate = certificateFor(keyOf(publicKey), { name: keyReference });
      resultOf(await api.call('certificate.write', { card: id, keyReference, certificate, pin: writer }));
      expect(await isMadeBy(desk, keyReference, publicKey)).toBe(true);
    }
    const { certificates } = resultOf(await api.call('card.read', { card: id, refresh: true }));
    expect(certificates.map(({ keyReference }) => keyReference)).toEqual([LOGIN, SIGNING]);
  });
});

/** Changes that go through unless something is wrong, by method. */
async function goodChanges({ api, id, pins }: EidDesk): Promise<readonly (readonly [MethodName, object])[]> {
  const [pin] = Object.values(pins);
  const { keys } = resultOf(await api.call('card.read', { card: id }));
  const key = keys.find(({ keyReference }) => keyReference === LOGIN);
  const common = { card: id, keyReference: LOGIN, pin };
  const certificate = certificateFor(keyOf(key?.publicKey), { name: 'New' });
  return [
    ['key.generate', { ...common, algorithm: key?.algorithm }],
    ['certificate.write', { ...common, certificate }],
    ['certificate.write', { ...common, certificate, add: true }],
    ['certificate.delete', common],
  ];
}

const WRONG = '999999';

describe.each(CARDS)('on the card of %s (%s), nothing is changed', (persona) => {
  const open = async (bench: Bench): Promise<EidDesk> => await openDesk(bench, persona);

  it('by a wrong PIN, and one try is used; never by the last one unless that is said', async () => {
    await using bench = await openBench();
    const desk = await open(bench);
    const changes = await goodChanges(desk);
    const before = stateOf(desk.card);
    const pin = Object.values(desk.pins)[0];
    for (const [method, params] of changes) {
      expect(outcomeOf(await desk.api.call(method, { ...params, pin: WRONG })), method).toBe('pin_rejected');
      expect(stateOf(desk.card).pins.legitimering.attemptsRemaining).toBe(2);
      resultOf(await desk.api.call('pin.verify', { card: desk.id, pin }));
    }
    expect(stateOf(desk.card)).toEqual(before);
    const [[method, params] = ['key.generate', {}] as const] = changes;
    await desk.api.call(method, { ...params, pin: WRONG });
    await desk.api.call(method, { ...params, pin: WRONG });
    expect(outcomeOf(await desk.api.call(method, { ...params, pin: WRONG }))).toBe('pin_last_try');
    expect(outcomeOf(await desk.api.call(method, { ...params, pin: WRONG, allowLastTry: true }))).toBe('pin_blocked');
    const blocked = stateOf(desk.card);
    for (const [name, some] of changes) expect(outcomeOf(await desk.api.call(name, some)), name).toBe('pin_blocked');
    expect(stateOf(desk.card)).toEqual(blocked);
    expect(blocked.files).toEqual(before.files);
  });

  it('by no PIN, one of a wrong form, or one that is for something else', async () => {
    await using bench = await openBench();
    const desk = await open(bench);
    const before = stateOf(desk.card);
    const [, second] = Object.keys(desk.pins);
    for (const [method, params] of await goodChanges(desk)) {
      expect(outcomeOf(await desk.api.call(method, { ...params, pin: undefined })), method).toBe('pin_required');
      expect(outcomeOf(await desk.api.call(method, { ...params, pin: '1' })), method).toBe('pin_format_invalid');
      const other = { pinReference: second, pin: desk.pins[second ?? ''] };
      expect(outcomeOf(await desk.api.call(method, { ...params, ...other })), method).toBe('pin_required');
      expect(outcomeOf(await desk.api.call(method, { ...params, pinReference: '7F' })), method).toBe('object_not_found');
      expect(outcomeOf(await desk.api.call(method, { ...params, keyReference: '9A' })), method).toBe('invalid_params');
    }
    expect(stateOf(desk.card)).toEqual(before);
  });

  it('by a certificate of another key, or by what is none; no PIN is asked for then', async () => {
    await using bench = await openBench();
    const desk = await open(bench);
    const { api, id, card, pins } = desk;
    const before = stateOf(card);
    card.forget();
    const params = { card: id, keyReference: LOGIN, pin: Object.values(pins)[0] };
    for (const add of [true, false]) {
      for (const kind of ['RSA-2048', 'P-256'] as const) {
        const certificate = certificateFor(testKey(kind, 'another').publicKey);
        expect(outcomeOf(await api.call('certificate.write', { ...params, certificate, add }))).toBe('certificate_key_mismatch');
      }
      expect(outcomeOf(await api.call('certificate.write', { ...params, certificate: 'AAAA', add }))).toBe('certificate_invalid');
    }
    expect(card.count(INS.verify, 'with data')).toBe(0);
    expect(stateOf(card)).toEqual(before);
  });

  it('when the card has no room', async () => {
    await using bench = await openBench();
    const desk = await openDesk(bench, persona, { capacityBytes: 100 });
    const [, , add] = await goodChanges(desk);
    const before = stateOf(desk.card);
    expect(outcomeOf(await desk.api.call('certificate.write', add?.[1]))).toBe('card_full');
    expect(stateOf(desk.card)).toEqual(before);
  });

  it('by deleting a key, which such cards cannot', async () => {
    await using bench = await openBench();
    const { api, id, card, pins } = await open(bench);
    const before = stateOf(card);
    const params = { card: id, keyReference: LOGIN, pin: Object.values(pins)[0] };
    expect(outcomeOf(await api.call('key.delete', params))).toBe('card_unsupported');
    expect(stateOf(card)).toEqual(before);
  });
});

describe('a web page that may manage cards', () => {
  const policy = { origins: [{ origin: PAGE, scopes: ['card.read', 'card.manage'] }] };

  async function openPage(bench: Bench): Promise<RpcSocket> {
    const answer = await fetch(`http://127.0.0.1:${bench.port}/v1/access/request`, {
      method: 'POST',
      headers: { origin: PAGE, 'content-type': 'application/json' },
      body: JSON.stringify({ scopes: ['card.read'] }),
    });
    const { token } = (await answer.json()) as { token: string };
    return await RpcSocket.open(bench.port, token, { origin: PAGE });
  }

  async function openAll(
    here: AsyncDisposableStack,
    options: BenchOptions = {},
  ): Promise<{ desk: EidDesk; page: RpcSocket; bench: Bench; changes: Awaited<ReturnType<typeof goodChanges>> }> {
    const bench = here.use(await openBench({ policy, ...options }));
    const desk = await openDesk(bench, 'cecilia');
    const page = here.use(await openPage(bench));
    const changes = (await goodChanges(desk)).map(([method, params]) => [method, { ...params, pin: undefined }] as const);
    return { desk, page, bench, changes };
  }

  it('has the person asked for the PIN, once, while the card is free for others', async () => {
    await using here = new AsyncDisposableStack();
    const { desk, page, bench, changes } = await openAll(here);
    const station = here.use(await TestStation.open(bench));
    // The key last: a certificate is written for the one that is there.
    for (const [method, params] of [...changes].reverse()) {
      desk.card.forget();
      const answer = page.call(method, { ...params, purpose: 'Renew the card' });
      const { id, prompt } = await station.prompt();
      expect(prompt).toMatchObject({
        kind: 'pin',
        action: 'verify',
        asker: { name: PAGE },
        purpose: 'Renew the card',
        triesLeft: 3,
      });
      expect(outcomeOf(await desk.api.call('card.read', { card: desk.id, refresh: true }))).toBe('ok');
      station.type(id, { pin: Object.values(desk.pins)[0] ?? '' });
      resultOf(await answer);
      expect(desk.card.count(INS.verify, 'with data'), method).toBe(1);
    }
  });

  it('changes nothing when the person cancels', async () => {
    await using here = new AsyncDisposableStack();
    const { desk, page, bench, changes } = await openAll(here);
    const station = here.use(await TestStation.open(bench));
    const before = stateOf(desk.card);
    for (const [method, params] of changes) {
      const answer = page.call(method, params);
      station.answer((await station.prompt()).id, 'cancelled');
      expect(outcomeOf(await answer), method).toBe('pin_cancelled');
    }
    expect(stateOf(desk.card)).toEqual(before);
  });

  it('may not give the PIN itself', async () => {
    await using here = new AsyncDisposableStack();
    const { desk, page, changes } = await openAll(here);
    const before = stateOf(desk.card);
    for (const [method, params] of changes)
      expect(outcomeOf(await page.call(method, { ...params, pin: '123456' })), method).toBe('scope_missing');
    expect(stateOf(desk.card)).toEqual(before);
  });
});

describe('a card that tells no public key', () => {
  it('proves it by a signature under the same PIN, which is typed once on the keypad', async () => {
    await using bench = await openBench({ readers: [{ keypad: () => '123456' }] });
    const desk = await openDesk(bench, 'cecilia', { pins: { legitimering: '123456' } });
    const { api, id, card } = desk;
    const changes = await goodChanges(desk);
    // The file of public keys is emptied, as by a program that does not know how to write it.
    const select = '00A4040C0CA000000063504B43532D3135';
    const commands = [select, '00200081083132333435360000', '00A4020C024D01', '00D600000100'];
    const { responses } = resultOf(await api.call('card.transmit', { card: id, commands }));
    expect(responses.map(({ statusWord }) => statusWord)).toEqual(['9000', '9000', '9000', '9000']);
    card.forget();
    const write = changes.find(([method]) => method === 'certificate.write')?.[1];
    const wrong = certificateFor(testKey('RSA-2048', 'another').publicKey);
    const params = { ...write, pin: undefined };
    resultOf(await api.call('certificate.write', params));
    expect(card.count(INS.verify, 'with data')).toBe(1);
    const before = stateOf(card);
    expect(errorOf(await api.call('certificate.write', { ...params, certificate: wrong })).code).toBe('certificate_key_mismatch');
    expect(stateOf(card)).toEqual(before);
    await eventually('the reader to be free', () => bench.daemon.desk.readers[0]?.queue.length === 0);
  });
});

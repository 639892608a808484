/** What the person sees before a list is signed, and how often they are asked: the daemon, its Unix socket, and a simulated card; the station is the test. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Prompt } from '../../daemon/prompt/prompt.ts';
import {
  INS,
  openBench,
  outcomeOf,
  PIN,
  cardKey,
  resultOf,
  RpcSocket,
  watchedPivCard,
  type Bench,
  type BenchOptions,
  type WatchedPivCard,
} from '../api/support.ts';
import { noteTyped } from '../evidence/typed.ts';
import { TestStation } from './station.ts';

const PAGE = 'https://portal.example';
const grants = (pin?: object): object => ({
  origins: [{ origin: PAGE, scopes: ['card.read', 'sign'], ...(pin ? { pin } : {}) }],
});
const NAMES = ['Receipt 1.pdf', '\u202efdp.exe', '<b>Receipt</b>\n“3”'];
const documents = NAMES.map((name) => ({ name, digest: createHash('sha256').update(name).digest('base64') }));
const [first] = documents;
const KEYPAD: BenchOptions = { readers: [{ keypad: () => (noteTyped(PIN), PIN) }] };

interface Desk {
  readonly bench: Bench;
  readonly card: WatchedPivCard;
  readonly page: RpcSocket;
  readonly params: { readonly card: string; readonly keyReference: string; readonly algorithm: 'ES256' };
}

async function openDesk(stack: AsyncDisposableStack, options: BenchOptions = {}, pinAttempts = 3): Promise<Desk> {
  const bench = stack.use(await openBench({ policy: grants(), ...options }));
  const card = watchedPivCard({ keys: { '9A': cardKey('P-256'), '9C': cardKey('P-256') }, pinAttempts });
  const id = await bench.insert(card);
  const answer = await fetch(`http://127.0.0.1:${bench.port}/v1/access/request`, {
    method: 'POST',
    headers: { origin: PAGE, 'content-type': 'application/json' },
    body: JSON.stringify({ scopes: ['card.read'] }),
  });
  const { token } = (await answer.json()) as { token: string };
  const page = stack.use(await RpcSocket.open(bench.port, token, { origin: PAGE }));
  card.forget();
  return { bench, card, page, params: { card: id, keyReference: '9C', algorithm: 'ES256' } };
}

function checksumIn(prompt: Prompt): string | undefined {
  return prompt.kind === 'consent' ? undefined : prompt.documents?.checksum;
}

const shortForm = (manifest: string): string => manifest.replace(/^(.{4})(.{4})(.{4})(.{4}).*$/, '$1 $2 $3 $4');

describe('a list that a page hands in', () => {
  it('is shown once with its names and checksum, and signed with one entry by a key that wants its PIN each time', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, page, params } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    const answer = page.call('sign.batch', { ...params, documents, purpose: 'Receipts' });
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({
      kind: 'pin',
      action: 'verify',
      asker: { kind: 'origin', name: PAGE },
      task: { en: 'Signing the documents', sv: 'Att signera dokumenten' },
      purpose: 'Receipts',
      documents: { names: NAMES },
    });
    const native = await bench.socket();
    expect(outcomeOf(await native.call('card.read', { card: params.card, refresh: true }))).toBe('ok');
    expect(card.count(INS.authenticate)).toBe(0);
    card.forget();
    station.type(id, { pin: PIN });
    const { signatures, manifest } = resultOf(await answer);
    expect(signatures.map(({ name }) => name)).toEqual(NAMES);
    expect(shortForm(manifest.value)).toBe(checksumIn(prompt));
    expect(card.count(INS.verify, 'with data')).toBe(NAMES.length);
    expect(station.messages).toHaveLength(1);
  });

  it('is shown for two minutes and more when it is long: a second for each name', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, page, params } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    const many = Array.from({ length: 100 }, () => first);
    const answer = page.call('sign.batch', { ...params, documents: many });
    const { id } = await station.prompt();
    expect(station.messages).toMatchObject([{ timeoutMs: 160_000 }]);
    station.answer(id, 'cancelled');
    expect(outcomeOf(await answer)).toBe('pin_cancelled');
  });

  it('is signed by no authentication key, and nobody is asked', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, page, params } = await openDesk(stack);
    const station = stack.use(await TestStation.open(bench));
    expect(outcomeOf(await page.call('sign.batch', { ...params, keyReference: '9A', documents }))).toBe('key_not_for_web');
    expect(station.messages).toEqual([]);
  });

  it('is shown also when the policy lets the page use a PIN again', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, page, params } = await openDesk(stack, { policy: grants({ reuseSeconds: 600 }) });
    const station = stack.use(await TestStation.open(bench));
    const native = await bench.socket();
    const once = { ...params, keyReference: '9D' };
    resultOf(
      await native.call('key.generate', { card: params.card, keyReference: '9D', algorithm: 'P-256', managementKey: 'default' }),
    );
    const digest = page.call('sign.digest', { ...once, digest: documents[0]?.digest ?? '' });
    station.type((await station.prompt()).id, { pin: PIN });
    resultOf(await digest);
    resultOf(await page.call('sign.digest', { ...once, digest: documents[0]?.digest ?? '' }));
    card.forget();
    const batch = page.call('sign.batch', { ...once, documents });
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'pin', documents: { names: NAMES } });
    station.type(id, { pin: PIN });
    expect(outcomeOf(await batch)).toBe('ok');
    expect(card.count(INS.verify, 'with data')).toBe(1);
  });

  it('is shown also before a key signs that wants no PIN, and not signed where it can be shown nowhere', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, page, params } = await openDesk(stack);
    const native = await bench.socket();
    const key = { card: params.card, keyReference: '9C', algorithm: 'P-256', pinPolicy: 'never', managementKey: 'default' };
    resultOf(await native.call('key.generate', key));
    card.forget();
    expect(outcomeOf(await page.call('sign.batch', { ...params, documents }))).toBe('pin_required');
    const station = stack.use(await TestStation.open(bench));
    for (const [outcome, code] of [
      ['cancelled', 'pin_cancelled'],
      ['approved', 'ok'],
    ] as const) {
      expect(card.count(INS.authenticate)).toBe(0);
      const answer = page.call('sign.batch', { ...params, documents });
      const { id, prompt } = await station.prompt();
      expect(prompt).toMatchObject({ kind: 'documents', keypadFollows: false, documents: { names: NAMES } });
      station.answer(id, outcome);
      expect(outcomeOf(await answer)).toBe(code);
    }
    expect(card.count(INS.verify, 'with data')).toBe(0);
    expect(outcomeOf(await native.call('sign.batch', { ...params, documents }))).toBe('ok');
  });
});

describe('on a reader with a keypad', () => {
  it('a list is shown before the PIN is typed there, and the person may refuse', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, page, params } = await openDesk(stack, KEYPAD);
    expect(outcomeOf(await page.call('sign.batch', { ...params, documents: [first] }))).toBe('pin_required');
    const station = stack.use(await TestStation.open(bench));
    for (const [outcome, code] of [
      ['cancelled', 'pin_cancelled'],
      ['approved', 'ok'],
    ] as const) {
      expect(card.count(INS.verify, 'with data')).toBe(0);
      const answer = page.call('sign.batch', { ...params, documents: [first] });
      const { id, prompt } = await station.prompt();
      expect(prompt).toMatchObject({ kind: 'documents', keypadFollows: true, documents: { names: [NAMES[0]] } });
      station.answer(id, outcome);
      expect(outcomeOf(await answer)).toBe(code);
    }
    expect(card.count(INS.verify, 'with data')).toBe(1);
  });

  it('a key that wants its PIN each time signs no list of several, and nothing is typed or shown', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, page, params } = await openDesk(stack, KEYPAD);
    const station = stack.use(await TestStation.open(bench));
    expect(outcomeOf(await page.call('sign.batch', { ...params, documents }))).toBe('pin_each_time');
    expect(card.count(INS.verify)).toBe(0);
    expect(station.messages).toEqual([]);
    const native = await bench.socket();
    expect(outcomeOf(await native.call('sign.batch', { ...params, documents, pin: PIN }))).toBe('ok');
  });

  it('the last try and the list are one question', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, page, params } = await openDesk(stack, KEYPAD, 1);
    const station = stack.use(await TestStation.open(bench));
    const answer = page.call('sign.batch', { ...params, documents: [first] });
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'lastTry', triesLeft: 1, documents: { names: [NAMES[0]] } });
    station.answer(id, 'approved');
    expect(outcomeOf(await answer)).toBe('ok');
    expect(station.messages).toHaveLength(1);
  });

  it('a program goes on without a place to show the list, and shows it where there is one', async () => {
    await using stack = new AsyncDisposableStack();
    const { bench, card, params } = await openDesk(stack, KEYPAD);
    const native = await bench.socket();
    const once = { ...params, keyReference: '9A', documents };
    expect(outcomeOf(await native.call('sign.batch', once))).toBe('ok');
    const station = stack.use(await TestStation.open(bench));
    const answer = native.call('sign.batch', once);
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'documents', asker: { kind: 'program' } });
    station.answer(id, 'approved');
    expect(outcomeOf(await answer)).toBe('ok');
    expect(card.count(INS.verify, 'with data')).toBe(2);
  });
});

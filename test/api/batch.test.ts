/** sign.batch over the API: what is signed, with how many PIN entries, what others are told, and that nothing is given out when one signature fails. */
import { createHash, verify, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { EventData } from '../../api-spec/events.ts';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import {
  INS,
  PIN,
  TRANSPORTS,
  WRONG_PIN,
  WatchedCard,
  cardKey,
  certificateFor,
  errorOf,
  eventually,
  openBench,
  outcomeOf,
  resultOf,
  testKey,
  watchedPivCard,
  type Bench,
} from './support.ts';

interface Document {
  readonly name: string;
  readonly digest: string;
}

const contentOf = (name: string): Buffer => Buffer.from(`the content of ${name}`);

function documentsOf(names: readonly string[], hash = 'sha256'): readonly Document[] {
  return names.map((name) => ({ name, digest: createHash(hash).update(contentOf(name)).digest('base64') }));
}

const numbered = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `Receipt ${index + 1}.pdf`);

/** As the reference says it, and not as the daemon does it. */
function manifestOf(algorithm: string, documents: readonly Document[]): string {
  const lines = documents.map(({ name, digest }) => {
    const nameHash = createHash('sha256').update(Buffer.from(name, 'utf8')).digest('hex');
    return `${Buffer.from(digest, 'base64').toString('hex')} ${nameHash}`;
  });
  return createHash('sha256')
    .update([`kortd-batch-1 ${algorithm} ${documents.length}`, ...lines, ''].join('\n'))
    .digest('hex');
}

function isRight(key: KeyObject, algorithm: SignatureAlgorithm, name: string, signature: string): boolean {
  return verify(
    `sha${algorithm.slice(2)}`,
    contentOf(name),
    { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64'),
  );
}

const KEYS = { '9A': cardKey('P-256'), '9C': cardKey('RSA-2048'), '9D': cardKey('P-384') };

describe.each(TRANSPORTS)('over %s', (transport) => {
  it.each([
    ['9A', 'P-256', 'ES256', 1],
    ['9C', 'RSA-2048', 'RS256', 12],
    ['9D', 'P-384', 'ES384', 1],
  ] as const)('key %s (%s) signs a list, and each signature is right', async (keyReference, kind, algorithm, verifications) => {
    await using bench = await openBench();
    const card = watchedPivCard({ keys: KEYS });
    const id = await bench.insert(card);
    const api = await bench.transport(transport);
    const documents = documentsOf(numbered(12), `sha${algorithm.slice(2)}`);
    card.forget();
    const result = resultOf(await api.call('sign.batch', { card: id, keyReference, algorithm, documents, pin: PIN }));
    expect(result.signatures.map(({ name, digest }) => ({ name, digest }))).toEqual(documents);
    for (const { name, signature } of result.signatures)
      expect(isRight(testKey(kind).publicKey, algorithm, name, signature)).toBe(true);
    expect(result.manifest).toEqual({ hash: 'SHA-256', value: manifestOf(algorithm, documents) });
    expect(result).toMatchObject({ algorithm, keyReference });
    expect(card.count(INS.verify, 'with data')).toBe(verifications);
    expect(card.count(INS.select)).toBe(1);
  });
});

describe('an eID card', () => {
  it('signs a list with each key under its own PIN', async () => {
    await using bench = await openBench();
    const card = new WatchedCard(createEidCard({ persona: 'anna' }));
    const id = await bench.insert(card);
    const api = await bench.socket();
    const { keys } = resultOf(await api.call('card.read', { card: id }));
    const { legitimering, underskrift } = card.inner.state().pins;
    const pins = [legitimering, underskrift].map(({ block }) => Buffer.from(block.replace(/(?:00|ff)+$/i, ''), 'hex').toString());
    expect(keys).toHaveLength(2);
    for (const [index, { keyReference, signatureAlgorithms = [], publicKey = '' }] of keys.entries()) {
      const [algorithm = 'RS256'] = signatureAlgorithms;
      const documents = documentsOf(numbered(5), `sha${algorithm.slice(2)}`);
      const params = { card: id, keyReference, algorithm, documents };
      expect(outcomeOf(await api.call('sign.batch', { ...params, pin: pins[1 - index] }))).toBe('pin_rejected');
      card.forget();
      const { signatures } = resultOf(await api.call('sign.batch', { ...params, pin: pins[index] }));
      expect(card.count(INS.verify, 'with data')).toBe(index === 0 ? 1 : 5);
      const key = { key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki', dsaEncoding: 'ieee-p1363' } as const;
      for (const { name, signature } of signatures)
        expect(verify(`sha${algorithm.slice(2)}`, contentOf(name), key, Buffer.from(signature, 'base64'))).toBe(true);
    }
  });
});

describe('a list', () => {
  const params = { keyReference: '9A', algorithm: 'ES256', pin: PIN } as const;

  it('may have one document, and a thousand', async () => {
    await using bench = await openBench();
    const id = await bench.insert(watchedPivCard({ keys: KEYS }));
    const api = await bench.socket();
    for (const count of [1, 1_000]) {
      const documents = documentsOf(numbered(count));
      const { signatures, manifest } = resultOf(await api.call('sign.batch', { ...params, card: id, documents }));
      expect(signatures).toHaveLength(count);
      expect(manifest.value).toBe(manifestOf('ES256', documents));
      expect(new Set(signatures.map(({ signature }) => signature)).size).toBe(count);
    }
  }, 30_000);

  it('may say a name and a digest twice, and gets a signature for each; another order is another manifest', async () => {
    await using bench = await openBench();
    const id = await bench.insert(watchedPivCard({ keys: KEYS }));
    const api = await bench.socket();
    const [one, two] = documentsOf(['a', 'b']);
    if (!one || !two) throw new Error('no documents');
    const orders = [
      [one, two, one, { ...two, name: 'a' }],
      [two, one, one, { ...two, name: 'a' }],
    ];
    const results = [];
    for (const documents of orders) results.push(resultOf(await api.call('sign.batch', { ...params, card: id, documents })));
    for (const [index, { signatures, manifest }] of results.entries()) {
      expect(signatures.map(({ name, digest }) => ({ name, digest }))).toEqual(orders[index]);
      expect(manifest.value).toBe(manifestOf('ES256', orders[index] ?? []));
    }
    expect(new Set(results.map(({ manifest }) => manifest.value)).size).toBe(2);
  });

  it.each([
    ['no document', []],
    ['more than a thousand', documentsOf(numbered(1_001))],
    ['a digest too short', [...documentsOf(['a']), { name: 'b', digest: Buffer.alloc(31).toString('base64') }]],
    ['a digest of another hash', documentsOf(['a'], 'sha384')],
    ['a name of no character', [{ ...documentsOf(['a'])[0], name: '' }]],
    ['a name that shows nothing', [{ ...documentsOf(['a'])[0], name: ' \u200b\u3164\u0301' }]],
    ['half a character', [{ ...documentsOf(['a'])[0], name: 'a\ud800' }]],
    ['a name too long', [{ ...documentsOf(['a'])[0], name: 'x'.repeat(121) }]],
    ['an unknown field', [{ ...documentsOf(['a'])[0], url: 'x' }]],
  ])('with %s is refused, and the card is not touched', async (_what, documents) => {
    await using bench = await openBench();
    const card = watchedPivCard({ keys: KEYS });
    const id = await bench.insert(card);
    const api = await bench.socket();
    card.forget();
    const error = errorOf(await api.call('sign.batch', { ...params, card: id, documents }));
    expect(error.code).toBe('invalid_params');
    expect(error.details?.['problem']).toMatch(/^documents/);
    expect(card.exchanges).toBe(0);
  });

  it('longer than a message is refused as one', async () => {
    await using bench = await openBench();
    const id = await bench.insert(watchedPivCard({ keys: KEYS }));
    const api = await bench.transport('REST');
    const documents = documentsOf(numbered(1_000).map((name) => `${'€'.repeat(100)} ${name}`));
    expect(outcomeOf(await api.call('sign.batch', { ...params, card: id, documents }))).toBe('message_too_large');
  });

  it('is given no PIN twice, when the first was wrong', async () => {
    await using bench = await openBench();
    const card = watchedPivCard({ keys: KEYS });
    const id = await bench.insert(card);
    const api = await bench.socket();
    card.forget();
    const documents = documentsOf(numbered(4));
    for (const keyReference of ['9A', '9C'])
      expect(
        outcomeOf(
          await api.call('sign.batch', {
            card: id,
            keyReference,
            algorithm: keyReference === '9A' ? 'ES256' : 'RS256',
            documents,
            pin: WRONG_PIN,
          }),
        ),
      ).toBe('pin_rejected');
    expect(card.count(INS.verify, 'with data')).toBe(2);
    expect(card.count(INS.authenticate)).toBe(0);
    expect(outcomeOf(await api.call('sign.batch', { ...params, card: id, documents, pin: WRONG_PIN }))).toBe('pin_last_try');
    expect(outcomeOf(await api.call('sign.batch', { ...params, card: id, documents, pin: PIN, allowLastTry: true }))).toBe('ok');
  });
});

describe('a batch that fails in the middle', () => {
  const params = { keyReference: '9A', algorithm: 'ES256', pin: PIN } as const;

  async function purposesOf(bench: Bench): Promise<readonly [string, string | undefined][]> {
    const api = await bench.socket();
    const { records } = resultOf(await api.call('audit.list', { method: 'sign.batch' }));
    return records.map(({ outcome, purpose }): [string, string | undefined] => [outcome, purpose]);
  }

  it.each([
    ['pull', 'card_removed'],
    ['reset', 'card_reset'],
  ] as const)(
    'by a %s at any exchange gives nothing out, is not done again, and the log says how many were made',
    async (kind, code) => {
      await using bench = await openBench();
      const api = await bench.socket();
      const documents = documentsOf(numbered(4));
      const outcomes: string[] = [];
      for (let at = 1; at <= 8; at++) {
        const card = watchedPivCard({ keys: KEYS });
        const id = await bench.insert(card);
        card.forget();
        bench.reader().arm([{ kind, at }]);
        const outcome = outcomeOf(await api.call('sign.batch', { ...params, card: id, documents }));
        bench.reader().disarm();
        bench.reader().remove();
        outcomes.push(outcome);
        expect(card.count(INS.authenticate)).toBeLessThanOrEqual(4);
      }
      const records = await purposesOf(bench);
      const made = records.map(([, purpose]) =>
        Number(/^(\d+) of 4 signed, manifest SHA-256 [0-9a-f]{64}$/.exec(purpose ?? '')?.[1]),
      );
      // SELECT, VERIFY, then a signature each: a reset before the first of them is got over.
      const [lost, done] = [kind === 'pull' ? code : 'ok', 'ok'];
      expect(outcomes).toEqual([lost, lost, lost, code, code, code, done, done]);
      expect(records.map(([outcome]) => outcome)).toEqual(outcomes);
      expect(made).toEqual(kind === 'pull' ? [0, 0, 0, 1, 2, 3, 4, 4] : [4, 4, 4, 1, 2, 3, 4, 4]);
    },
  );

  it('by cancellation or a deadline ends between two signatures, with the card reset', async () => {
    await using bench = await openBench();
    const card = watchedPivCard({ keys: KEYS });
    const id = await bench.insert(card);
    const api = await bench.socket();
    const documents = documentsOf(numbered(50));
    bench.reader().arm([{ kind: 'delay', delayMs: 20 }]);
    card.forget();
    const cancel = new AbortController();
    const cancelled = api.call('sign.batch', { ...params, card: id, documents }, { signal: cancel.signal });
    await eventually('some signatures', () => card.count(INS.authenticate) >= 3);
    cancel.abort();
    expect(outcomeOf(await cancelled)).toBe('call_cancelled');
    const late = await api.call('sign.batch', { ...params, card: id, documents }, { timeoutMs: 200 });
    expect(outcomeOf(late)).toBe('deadline_exceeded');
    bench.reader().disarm();
    resultOf(await api.call('card.read', { card: id, refresh: true }));
    expect(card.count(INS.authenticate)).toBeLessThan(40);
    expect(card.resets).toBeGreaterThanOrEqual(2);
    const records = await purposesOf(bench);
    expect(records.map(([outcome]) => outcome)).toEqual(['call_cancelled', 'deadline_exceeded']);
    for (const [, purpose] of records)
      expect(purpose).toMatch(/^(?:at least )?[1-9]\d? of 50 signed, manifest SHA-256 [0-9a-f]{64}$/);
  });

  it('by a signature that is of another key than the card tells gives nothing out', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const certificate = certificateFor(testKey('P-256', 'other').publicKey);
    const card = watchedPivCard({ profile: 'plain', keys: { '9A': cardKey('P-256', { certificate }) } });
    const id = await bench.insert(card);
    const answer = await api.call('sign.batch', { ...params, card: id, documents: documentsOf(numbered(4)) });
    expect(errorOf(answer)).toMatchObject({ code: 'card_data_invalid' });
    expect(JSON.stringify(answer)).not.toMatch(/"signature"/);
    expect(await purposesOf(bench)).toMatchObject([['card_data_invalid', expect.stringMatching(/^[12] of 4 signed/)]]);
  });
});

describe('what others see of a batch', () => {
  it('is its progress, its manifest in the audit log, and the same outcome for a repetition', async () => {
    await using bench = await openBench();
    const card = watchedPivCard({ keys: KEYS });
    const id = await bench.insert(card);
    const client = await bench.client();
    const events: EventData<'sign.progress'>[] = [];
    await client.subscribe(
      { onEvent: (event) => event.name === 'sign.progress' && events.push(event.data) },
      { events: ['sign.progress'] },
    );
    const api = await bench.socket();
    const { lease } = resultOf(await api.call('card.lease', { card: id, purpose: 'the receipts of May' }));
    const documents = documentsOf(numbered(30));
    const params = { card: id, lease, keyReference: '9A', algorithm: 'ES256', documents, pin: PIN };
    card.forget();
    const first = resultOf(await api.call('sign.batch', params, { idempotencyKey: 'once' }));
    expect(resultOf(await api.call('sign.batch', params, { idempotencyKey: 'once' }))).toEqual(first);
    expect(card.count(INS.authenticate)).toBe(30);
    await eventually('the last event', () => events.at(-1)?.done === 30);
    expect(events[0]).toEqual({ card: id, reader: bench.readerId(), done: 0, total: 30 });
    expect(events.map(({ done }) => done)).toEqual(events.map(({ done }) => done).toSorted((one, other) => one - other));
    const { records } = resultOf(await api.call('audit.list', { method: 'sign.batch' }));
    expect(records).toMatchObject([
      {
        outcome: 'ok',
        reader: 'Bench 0',
        purpose: `30 of 30 signed, manifest SHA-256 ${first.manifest.value}, for: the receipts of May`,
      },
    ]);
  });

  it('is each signature, while a slow card makes them', async () => {
    await using bench = await openBench();
    const id = await bench.insert(watchedPivCard({ keys: KEYS }));
    const client = await bench.client();
    const done: number[] = [];
    await client.subscribe({
      onEvent: (event) => event.name === 'sign.progress' && done.push(event.data.done),
    });
    bench.reader().arm([{ kind: 'delay', delayMs: 210 }]);
    const documents = documentsOf(numbered(3));
    await client.call('sign.batch', { card: id, keyReference: '9A', algorithm: 'ES256', documents: [...documents], pin: PIN });
    expect(done).toEqual([0, 1, 2, 3]);
  });
});

describe('a deadline', () => {
  it('may be as much longer as the list asks for, and no more', async () => {
    await using bench = await openBench();
    const id = await bench.insert(watchedPivCard({ keys: KEYS }));
    const api = await bench.socket();
    const call = async (count: number, timeoutMs: number): Promise<string> =>
      outcomeOf(
        await api.call(
          'sign.batch',
          { card: id, keyReference: '9A', algorithm: 'ES256', documents: documentsOf(numbered(count)), pin: PIN },
          { timeoutMs },
        ),
      );
    expect(await call(10, 320_000)).toBe('ok');
    expect(await call(10, 320_001)).toBe('invalid_request');
    expect(await call(1, 302_001)).toBe('invalid_request');
  });
});

describe('a card that does not tell a public key', () => {
  it('signs no list, for nothing could be verified; the PIN is not used', async () => {
    await using bench = await openBench();
    const card = watchedPivCard({ keys: KEYS });
    const id = await bench.insert(card);
    const api = await bench.socket();
    resultOf(await api.call('card.read', { card: id }));
    const record = bench.daemon.desk.cards[0];
    if (!record?.contents) throw new Error('the card was not read');
    record.contents = {
      ...record.contents,
      certificates: [],
      keys: record.contents.keys.map(({ publicKey: _, ...key }) => key),
    };
    card.forget();
    const documents = documentsOf(numbered(2));
    const answer = await api.call('sign.batch', { card: id, keyReference: '9A', algorithm: 'ES256', documents, pin: PIN });
    expect(outcomeOf(answer)).toBe('public_key_unknown');
    expect(card.count(INS.verify)).toBe(0);
  });
});

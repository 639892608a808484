/** Wrong calls about cards: the right documented code, in both languages, and nothing changed on the card. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import { createMuteCard } from '../../drivers/simulated/faults.ts';
import {
  INS,
  PIN,
  PUK,
  TRANSPORTS,
  WRONG_MANAGEMENT_KEY,
  WRONG_PIN,
  WRONG_PUK,
  cardKey,
  certificateFor,
  createOtherCard,
  errorOf,
  eventually,
  openBench,
  outcomeOf,
  resultOf,
  stateOf,
  testKey,
  watchedPivCard,
  type Bench,
  type Transport,
  type TransportName,
  type WatchedPivCard,
} from './support.ts';

interface Desk {
  readonly bench: Bench;
  readonly card: WatchedPivCard;
  readonly id: string;
  readonly api: Transport;
}

const managementKey = 'default';
const digest = Buffer.alloc(32, 3).toString('base64');
const certificate = certificateFor(testKey('P-256').publicKey);

/** A card with a key in 9A and a certificate for it. */
function furnishedCard(options: Parameters<typeof watchedPivCard>[0] = {}): WatchedPivCard {
  return watchedPivCard({ keys: { '9A': cardKey('P-256', { certificate }) }, ...options });
}

async function openDesk(stack: AsyncDisposableStack, name: TransportName, card = furnishedCard()): Promise<Desk> {
  const bench = stack.use(await openBench());
  const id = await bench.insert(card);
  card.forget();
  return { bench, card, id, api: await bench.transport(name) };
}

/** Every method that takes a card, with parameters that would do. */
const CARD_CALLS: readonly (readonly [MethodName, object])[] = [
  ['card.lease', {}],
  ['card.read', {}],
  ['card.transmit', { commands: ['00A4040000'] }],
  ['certificate.delete', { keyReference: '9A', managementKey }],
  ['certificate.list', {}],
  ['certificate.request', { keyReference: '9A', subject: 'CN=Anna', pin: PIN }],
  ['certificate.write', { keyReference: '9A', certificate, managementKey }],
  ['key.delete', { keyReference: '9A', managementKey }],
  ['key.generate', { keyReference: '9A', algorithm: 'P-256', managementKey }],
  ['pin.change', { pin: PIN, newPin: '111222' }],
  ['pin.unblock', { puk: PUK, newPin: '111222' }],
  ['pin.verify', { pin: PIN }],
  ['sign.digest', { keyReference: '9A', algorithm: 'ES256', digest, pin: PIN }],
];

describe.each(TRANSPORTS)('over %s', (name) => {
  describe('a call to no card', () => {
    it.each(CARD_CALLS)('%s with an id that never was answers not_found', async (method, params) => {
      await using bench = await openBench();
      const api = await bench.transport(name);
      expect(errorOf(await api.call(method, { ...params, card: 'card-of-nobody' }))).toMatchObject({
        code: 'not_found',
        details: { what: 'card' },
      });
      expect(errorOf(await api.call(method, { ...params, card: { reader: 'reader-of-nobody' } }))).toMatchObject({
        code: 'not_found',
        details: { what: 'reader' },
      });
    });

    it.each(CARD_CALLS)('%s for a reader without a card answers no_card', async (method, params) => {
      await using bench = await openBench();
      const api = await bench.transport(name);
      expect(outcomeOf(await api.call(method, { ...params, card: { reader: bench.readerId() } }))).toBe('no_card');
    });

    it('the id of a card that was pulled and put back answers not_found, and its new id works', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, bench, card, id } = await openDesk(stack, name);
      bench.reader().remove();
      const again = await bench.insert(card);
      expect(again).not.toBe(id);
      card.forget();
      for (const [method, params] of CARD_CALLS)
        expect(outcomeOf(await api.call(method, { ...params, card: id })), method).toBe('not_found');
      expect(card.exchanges).toBe(0);
      expect(outcomeOf(await api.call('card.read', { card: again }))).toBe('ok');
    });

    it('a card that does not answer to reset answers card_unresponsive', async () => {
      await using bench = await openBench();
      bench.reader().insert(createMuteCard());
      await eventually('seeing the card', () => bench.daemon.desk.readers[0]?.status === 'mute');
      const api = await bench.transport(name);
      expect(resultOf(await api.call('reader.list')).readers[0]?.status).toBe('mute');
      expect(outcomeOf(await api.call('card.read', { card: { reader: bench.readerId() } }))).toBe('card_unresponsive');
    });
  });

  describe('a card of another kind', () => {
    it.each(CARD_CALLS.filter(([method]) => method !== 'card.lease' && method !== 'card.transmit'))(
      'makes %s answer card_unsupported',
      async (method, params) => {
        await using bench = await openBench();
        const card = createOtherCard();
        const id = await bench.insert(card);
        const api = await bench.transport(name);
        card.forget();
        expect(outcomeOf(await api.call(method, { ...params, card: id }))).toBe('card_unsupported');
        expect(card.exchanges).toBe(0);
      },
    );

    it('is listed as unknown, and takes raw commands', async () => {
      await using bench = await openBench();
      const id = await bench.insert(createOtherCard());
      const api = await bench.transport(name);
      expect(resultOf(await api.call('card.list')).cards).toMatchObject([{ id, status: 'unknown' }]);
      const { responses } = resultOf(await api.call('card.transmit', { card: id, commands: ['00CA000000'] }));
      expect(responses).toEqual([{ data: '', statusWord: '6D00' }]);
    });
  });

  describe('a PIN', () => {
    it.each(['1', '12345', '123456789', '1234567890123456', 'åäöåäö', '12345\u0000'])(
      '%j of impossible form is never sent',
      async (pin) => {
        await using stack = new AsyncDisposableStack();
        const { api, card, id } = await openDesk(stack, name);
        const before = stateOf(card);
        for (const [method, params] of [
          ['pin.verify', { pin }],
          ['pin.change', { pin, newPin: '111222' }],
          ['pin.change', { pin: PIN, newPin: pin }],
          ['pin.unblock', { puk: pin, newPin: '111222' }],
          ['pin.unblock', { puk: PUK, newPin: pin }],
          ['sign.digest', { keyReference: '9A', algorithm: 'ES256', digest, pin }],
          ['certificate.request', { keyReference: '9A', subject: 'CN=Anna', pin }],
        ] as const)
          expect(outcomeOf(await api.call(method, { ...params, card: id })), method).toBe('pin_format_invalid');
        for (const instruction of [INS.verify, INS.change, INS.resetRetryCounter])
          expect(card.count(instruction, 'with data')).toBe(0);
        expect(stateOf(card)).toEqual(before);
      },
    );

    it('on its last try is not sent, unless the call allows it', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      for (let wrong = 0; wrong < 2; wrong++)
        resultOrRejected(outcomeOf(await api.call('pin.verify', { card: id, pin: WRONG_PIN })));
      const before = stateOf(card);
      card.forget();
      for (const [method, params] of [
        ['pin.verify', {}],
        ['pin.change', { newPin: '111222' }],
        ['sign.digest', { keyReference: '9A', algorithm: 'ES256', digest }],
        ['certificate.request', { keyReference: '9A', subject: 'CN=Anna' }],
      ] as const)
        expect(outcomeOf(await api.call(method, { ...params, card: id, pin: WRONG_PIN })), method).toBe('pin_last_try');
      expect(card.count(INS.verify, 'with data') + card.count(INS.change, 'with data')).toBe(0);
      expect(stateOf(card)).toEqual(before);
      expect(outcomeOf(await api.call('pin.verify', { card: id, pin: PIN, allowLastTry: true }))).toBe('ok');
      expect(card.inner.state().pin.attemptsRemaining).toBe(3);
    });

    it('on its last try is not sent when raw commands used up the tries before', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      resultOf(await api.call('pin.verify', { card: id, pin: PIN }));
      const wrong = '0020008008363534333231ffff';
      resultOf(await api.call('card.transmit', { card: id, commands: ['00A4040005A000000308', wrong, wrong] }));
      expect(card.inner.state().pin.attemptsRemaining).toBe(1);
      expect(outcomeOf(await api.call('pin.verify', { card: id, pin: WRONG_PIN }))).toBe('pin_last_try');
      expect(card.inner.state().pin.attemptsRemaining).toBe(1);
    });

    it('that is blocked answers pin_blocked, without another try', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name, furnishedCard({ pinAttempts: 1 }));
      expect(outcomeOf(await api.call('pin.verify', { card: id, pin: WRONG_PIN, allowLastTry: true }))).toBe('pin_blocked');
      const before = stateOf(card);
      for (const allowLastTry of [false, true])
        for (const [method, params] of [
          ['pin.verify', { pin: PIN }],
          ['pin.change', { pin: PIN, newPin: '111222' }],
          ['sign.digest', { keyReference: '9A', algorithm: 'ES256', digest, pin: PIN }],
          ['certificate.request', { keyReference: '9A', subject: 'CN=Anna', pin: PIN }],
        ] as const)
          expect(outcomeOf(await api.call(method, { ...params, card: id, allowLastTry })), method).toBe('pin_blocked');
      expect(stateOf(card)).toEqual(before);
    });

    it('a PUK on its last try is guarded, and a blocked one is told', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name, furnishedCard({ pukAttempts: 2 }));
      const wrong = { card: id, puk: WRONG_PUK, newPin: '111222' };
      expect(outcomeOf(await api.call('pin.unblock', wrong))).toBe('pin_rejected');
      expect(outcomeOf(await api.call('pin.unblock', wrong))).toBe('pin_last_try');
      expect(card.inner.state().puk.attemptsRemaining).toBe(1);
      expect(outcomeOf(await api.call('pin.unblock', { ...wrong, allowLastTry: true }))).toBe('pin_blocked');
      expect(outcomeOf(await api.call('pin.unblock', { ...wrong, puk: PUK }))).toBe('pin_blocked');
      expect(card.inner.state().pin.attemptsRemaining).toBe(3);
    });

    it('that is missing answers pin_required on a reader without a keypad', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      const before = stateOf(card);
      for (const [method, params] of [
        ['pin.verify', {}],
        ['pin.change', {}],
        ['pin.change', { newPin: '111222' }],
        ['pin.change', { pin: PIN }],
        ['pin.unblock', { puk: PUK }],
        ['sign.digest', { keyReference: '9A', algorithm: 'ES256', digest }],
        ['certificate.request', { keyReference: '9A', subject: 'CN=Anna' }],
      ] as const)
        expect(outcomeOf(await api.call(method, { ...params, card: id })), method).toBe('pin_required');
      expect(stateOf(card)).toEqual(before);
    });

    it.each(['82', 'FF', '01'])('%s that the card has not answers object_not_found', async (pinReference) => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      const before = stateOf(card);
      expect(outcomeOf(await api.call('pin.verify', { card: id, pinReference, pin: PIN }))).toBe('object_not_found');
      expect(outcomeOf(await api.call('pin.change', { card: id, pinReference, pin: PIN, newPin: '111222' }))).toBe(
        'object_not_found',
      );
      expect(outcomeOf(await api.call('pin.verify', { card: id, pinReference: '81', pin: PUK, allowLastTry: true }))).toBe(
        'card_unsupported',
      );
      expect(stateOf(card)).toEqual(before);
    });
  });

  describe('a certificate', () => {
    it('that does not fit the key is not written', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      const before = stateOf(card);
      const others = [testKey('P-256', 'other'), testKey('P-384'), testKey('RSA-2048'), generateKeyPairSync('ed25519')];
      for (const { publicKey } of others)
        expect(
          outcomeOf(
            await api.call('certificate.write', {
              card: id,
              keyReference: '9A',
              certificate: certificateFor(publicKey),
              managementKey,
            }),
          ),
        ).toBe('certificate_key_mismatch');
      expect(card.count(INS.putData)).toBe(0);
      expect(stateOf(card)).toEqual(before);
    });

    it('that does not fit the key of a plain card is not written either, though only a signature shows it', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(
        stack,
        name,
        watchedPivCard({ profile: 'plain', keys: { '9A': cardKey('P-256') } }),
      );
      const before = stateOf(card);
      for (const { publicKey } of [
        testKey('P-256', 'other'),
        testKey('P-384'),
        testKey('RSA-2048'),
        generateKeyPairSync('ed25519'),
      ])
        expect(
          outcomeOf(
            await api.call('certificate.write', {
              card: id,
              keyReference: '9A',
              certificate: certificateFor(publicKey),
              managementKey,
              pin: PIN,
            }),
          ),
        ).toBe('certificate_key_mismatch');
      expect(outcomeOf(await api.call('certificate.write', { card: id, keyReference: '9A', certificate, managementKey }))).toBe(
        'key_unproven',
      );
      expect(card.count(INS.putData)).toBe(0);
      expect(stateOf(card)).toEqual(before);
    });

    const der = Buffer.from(certificate, 'base64');
    const pem = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`;
    it.each([
      ['a word', 'certificate'],
      ['base64 of text', Buffer.from('not a certificate').toString('base64')],
      ['a public key', testKey('P-256').publicKey.export({ type: 'spki', format: 'pem' })],
      ['a public key in the dress of a certificate', pem.replace(certificate, cardKey('P-256').privateKey)],
      ['a private key', cardKey('P-256').privateKey],
      ['bytes that follow', Buffer.concat([der, Buffer.from('tail')]).toString('base64')],
      ['one byte too few', der.subarray(0, -1).toString('base64')],
      ['only a header', der.subarray(0, 4).toString('base64')],
      ['two certificates in PEM', pem + pem],
      ['PEM without its end', pem.slice(0, 60)],
      ['text around the PEM', `Subject: somebody\n${pem}`],
      ['base64url', certificate.replaceAll('+', '-').replaceAll('/', '_').replace(/=*$/, '')],
      ['hexadecimal', der.toString('hex')],
      ['spaces alone', '   '],
    ])('is refused when it is %s', async (_, wrong) => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      const before = stateOf(card);
      expect(
        outcomeOf(await api.call('certificate.write', { card: id, keyReference: '9A', certificate: wrong, managementKey })),
      ).toBe('certificate_invalid');
      expect(card.exchanges).toBe(0);
      expect(stateOf(card)).toEqual(before);
    });

    it('that there is no room for answers card_full, and the card holds what it held', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name, furnishedCard({ capacityBytes: 1_200 }));
      const before = stateOf(card);
      const large = certificateFor(testKey('P-256').publicKey, { fill: 900 });
      expect(
        outcomeOf(await api.call('certificate.write', { card: id, keyReference: '9A', certificate: large, managementKey })),
      ).toBe('card_full');
      expect(card.count(INS.putData)).toBeGreaterThan(0);
      expect(stateOf(card)).toEqual(before);
      expect(resultOf(await api.call('certificate.list', { card: id })).certificates).toMatchObject([{ certificate }]);
    });

    it('that is not there cannot be deleted', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      const before = stateOf(card);
      expect(outcomeOf(await api.call('certificate.delete', { card: id, keyReference: '9C', managementKey }))).toBe(
        'object_not_found',
      );
      expect(stateOf(card)).toEqual(before);
    });

    it('is not requested for a subject that is no name, or with a public key that is none', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      const before = stateOf(card);
      const at = { card: id, keyReference: '9A', pin: PIN };
      for (const subject of ['Anna Andersson', '===', 'XYZ=foo', 'CN', ',,,', '1.2.3'])
        expect(outcomeOf(await api.call('certificate.request', { ...at, subject })), subject).toBe('invalid_params');
      for (const publicKey of ['', 'AAAA', certificate])
        expect(outcomeOf(await api.call('certificate.request', { ...at, subject: 'CN=Anna', publicKey })), publicKey).toBe(
          'invalid_params',
        );
      expect(card.count(INS.authenticate)).toBe(0);
      expect(stateOf(card)).toEqual(before);
    });

    it('is not requested with the public key of another key, or with an algorithm of another kind', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, id } = await openDesk(stack, name);
      const at = { card: id, keyReference: '9A', subject: 'CN=Anna', pin: PIN };
      const publicKey = testKey('P-256', 'other').publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
      expect(outcomeOf(await api.call('certificate.request', { ...at, publicKey }))).toBe('public_key_mismatch');
      expect(outcomeOf(await api.call('certificate.request', { ...at, algorithm: 'RS256' }))).toBe('algorithm_unsupported');
      expect(outcomeOf(await api.call('certificate.request', { ...at, keyReference: '9C' }))).toBe('key_not_found');
    });
  });

  describe('a management key', () => {
    const managed: readonly (readonly [MethodName, object])[] = [
      ['key.generate', { algorithm: 'P-256' }],
      ['key.delete', {}],
      ['certificate.write', { certificate }],
      ['certificate.delete', {}],
    ];

    it.each([
      [WRONG_MANAGEMENT_KEY, 'management_key_rejected'],
      ['00', 'pin_format_invalid'],
      ['DEFAULT', 'pin_format_invalid'],
      ['g'.repeat(48), 'pin_format_invalid'],
      ['0'.repeat(47), 'pin_format_invalid'],
      ['0'.repeat(64), 'pin_format_invalid'],
    ] as const)('%s is refused as %s, and nothing is changed', async (wrong, code) => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      const before = stateOf(card);
      for (const [method, params] of managed)
        expect(outcomeOf(await api.call(method, { ...params, card: id, keyReference: '9A', managementKey: wrong })), method).toBe(
          code,
        );
      expect(card.count(INS.generate) + card.count(INS.putData)).toBe(0);
      expect(stateOf(card)).toEqual(before);
    });

    it.each(['00', 'FF', '80', '9B', '96', 'F9'])(
      'is not even asked for with a key reference %s that no card has',
      async (keyReference) => {
        await using stack = new AsyncDisposableStack();
        const { api, card, id } = await openDesk(stack, name);
        const before = stateOf(card);
        for (const [method, params] of managed)
          expect(outcomeOf(await api.call(method, { ...params, card: id, keyReference, managementKey })), method).toBe(
            'invalid_params',
          );
        const outcomes: ErrorCode[] = ['key_not_found'];
        expect(outcomes).toContain(
          outcomeOf(await api.call('sign.digest', { card: id, keyReference, algorithm: 'ES256', digest, pin: PIN })),
        );
        expect(outcomes).toContain(
          outcomeOf(await api.call('certificate.request', { card: id, keyReference, subject: 'CN=A', pin: PIN })),
        );
        expect(stateOf(card)).toEqual(before);
      },
    );
  });

  it('a signature is refused for a digest of the wrong length, an algorithm of another kind and a key that is not there', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name);
    const at = { card: id, keyReference: '9A', algorithm: 'ES256', digest, pin: PIN };
    for (const length of [0, 20, 31, 33, 48, 64])
      expect(outcomeOf(await api.call('sign.digest', { ...at, digest: Buffer.alloc(length).toString('base64') }))).toBe(
        'invalid_params',
      );
    expect(card.exchanges).toBe(0);
    expect(outcomeOf(await api.call('sign.digest', { ...at, algorithm: 'RS256' }))).toBe('algorithm_unsupported');
    expect(outcomeOf(await api.call('sign.digest', { ...at, keyReference: '9C' }))).toBe('key_not_found');
    expect(card.count(INS.authenticate) + card.count(INS.verify, 'with data')).toBe(0);
  });

  it('a PSS signature that has no room in a short RSA key is refused', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name, watchedPivCard({ keys: { '9A': cardKey('RSA-1024') } }));
    const long = Buffer.alloc(64, 1).toString('base64');
    expect(
      outcomeOf(await api.call('sign.digest', { card: id, keyReference: '9A', algorithm: 'PS512', digest: long, pin: PIN })),
    ).toBe('algorithm_unsupported');
    expect(
      outcomeOf(await api.call('sign.digest', { card: id, keyReference: '9A', algorithm: 'RS512', digest: long, pin: PIN })),
    ).toBe('ok');
    expect(card.inner.state().pin.attemptsRemaining).toBe(3);
  });

  it('a key of a kind that the card does not make is refused', async () => {
    await using stack = new AsyncDisposableStack();
    const { api, card, id } = await openDesk(stack, name, furnishedCard({ firmware: '5.4.3' }));
    const before = stateOf(card);
    expect(
      outcomeOf(await api.call('key.generate', { card: id, keyReference: '9A', algorithm: 'RSA-4096', managementKey })),
    ).toBe('algorithm_unsupported');
    expect(stateOf(card)).toEqual(before);
  });

  it.each([['00'], ['00A404'], ['00A4040005A0'], ['00A4040005A0000003080000AA']])(
    'the raw command %s is no APDU and is not sent',
    async (command) => {
      await using stack = new AsyncDisposableStack();
      const { api, card, id } = await openDesk(stack, name);
      const error = errorOf(await api.call('card.transmit', { card: id, commands: ['00A4040000', command] }));
      expect(error).toMatchObject({ code: 'invalid_params', details: { problem: 'commands.1 is no command APDU' } });
      expect(card.exchanges).toBe(0);
    },
  );

  describe('two calls for one card', () => {
    it('are served in their order, one after the other', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, bench, card, id } = await openDesk(stack, name);
      const other = await bench.socket();
      const order: string[] = [];
      const hold = Promise.withResolvers<undefined>();
      card.hold = hold.promise.then(() => undefined);
      const first = api
        .call('card.transmit', { card: id, commands: ['00FD0000', '00FD0001'] })
        .then((answer) => (order.push('first'), answer));
      await eventually('the first to reach the card', () => card.exchanges === 1);
      const second = other
        .call('card.transmit', { card: id, commands: ['00FD0002'] })
        .then((answer) => (order.push('second'), answer));
      await eventually('the second to wait', () => bench.daemon.desk.cards[0]?.reader.queue.length === 2);
      card.hold = undefined;
      hold.resolve(undefined);
      expect([outcomeOf(await first), outcomeOf(await second)]).toEqual(['ok', 'ok']);
      expect(order).toEqual(['first', 'second']);
      expect(card.commands).toEqual(['00FD0000', '00FD0001', '00FD0002']);
    });

    it('are told who holds the card when it is leased', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, bench, card, id } = await openDesk(stack, name);
      const before = stateOf(card);
      const holder = await bench.socket();
      resultOf(await holder.call('card.lease', { card: id, purpose: 'handing out' }));
      card.forget();
      for (const [method, params] of CARD_CALLS) {
        const error = errorOf(await api.call(method, { ...params, card: id }));
        expect(error).toMatchObject({ code: 'card_busy', retry: 'now' });
        expect(error.details?.['holder']).toMatch(/^program [0-9a-f]{8} \(handing out\)$/);
        expect(error.en).toContain('(handing out)');
      }
      expect(card.exchanges).toBe(0);
      expect(stateOf(card)).toEqual(before);
    });

    it('a lease that ended, was never given, or is for another card is refused', async () => {
      await using bench = await openBench({ readers: [{}, {}] });
      const [first, second] = [await bench.insert(furnishedCard(), 0), await bench.insert(furnishedCard(), 1)];
      const api = await bench.transport(name);
      const { lease } = resultOf(await api.call('card.lease', { card: first }));
      for (const [method, params] of CARD_CALLS) {
        expect(outcomeOf(await api.call(method, { ...params, card: second, lease })), method).toBe('lease_invalid');
        expect(outcomeOf(await api.call(method, { ...params, card: first, lease: 'nobody gave it' })), method).toBe(
          'lease_invalid',
        );
      }
      resultOf(await api.call('card.release', { lease }));
      expect(outcomeOf(await api.call('card.release', { lease }))).toBe('lease_invalid');
      expect(outcomeOf(await api.call('card.read', { card: first, lease }))).toBe('lease_invalid');
      const short = resultOf(await api.call('card.lease', { card: first, durationMs: 100 }));
      await eventually('the lease to end', () => bench.daemon.desk.cards[0]?.lease === undefined);
      expect(outcomeOf(await api.call('card.read', { card: first, lease: short.lease }))).toBe('lease_invalid');
    });

    it('more than the queue of a reader holds are refused, and those in it are served', async () => {
      await using stack = new AsyncDisposableStack();
      const { api, bench, card, id } = await openDesk(stack, name);
      const limit = resultOf(await api.call('system.info')).limits.callsPerReader;
      const hold = Promise.withResolvers<undefined>();
      card.hold = hold.promise.then(() => undefined);
      const transmit = (): Promise<unknown> => api.call('card.transmit', { card: id, commands: ['00FD0000'] }).then(outcomeOf);
      const calls = Array.from({ length: limit + 1 }, transmit);
      await eventually('the queue to be full', () => bench.daemon.desk.cards[0]?.reader.queue.length === limit + 1);
      const error = errorOf(await api.call('pin.verify', { card: id, pin: PIN }));
      expect(error).toMatchObject({ code: 'too_many_calls', details: { limit } });
      card.hold = undefined;
      hold.resolve(undefined);
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['ok']));
      expect(card.exchanges).toBe(limit + 1);
    });
  });
});

function resultOrRejected(outcome: string): void {
  expect(outcome).toBe('pin_rejected');
}

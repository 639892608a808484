/**
 * What goes wrong between the daemon and the card, at every exchange of every flow: each run ends in a documented error or in success, nothing stays
 * open, and the very next read works. Model: SQLite's fault simulation.
 */
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../api-spec/errors.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import type { Fault } from '../../drivers/simulated/faults.ts';
import type { PivCardOptions } from '../../drivers/simulated/cards/piv.ts';
import {
  PIN,
  PUK,
  cardKey,
  certificateFor,
  createHostileCard,
  eventually,
  openBench,
  outcomeOf,
  resultOf,
  testKey,
  watchedPivCard,
  type Bench,
  type RpcSocket,
  type WatchedPivCard,
} from './support.ts';

interface Flow {
  readonly method: MethodName;
  readonly params: object;
  readonly card?: PivCardOptions;
}

const managementKey = 'default';
const certificate = certificateFor(testKey('P-256').publicKey);
const newCertificate = certificateFor(testKey('P-256').publicKey, { name: 'Renewed', fill: 600 });
const digest = Buffer.alloc(32, 5).toString('base64');

/** By what a user does. On a plain card long data goes in chains, and a certificate is proved by a signature. */
const FLOWS: Readonly<Record<string, Flow>> = {
  'reading the card': { method: 'card.read', params: { refresh: true } },
  'listing certificates': { method: 'certificate.list', params: {} },
  'verifying a PIN': { method: 'pin.verify', params: { pin: PIN } },
  'changing a PIN': { method: 'pin.change', params: { pin: PIN, newPin: PIN } },
  'unblocking a PIN': { method: 'pin.unblock', params: { puk: PUK, newPin: PIN } },
  'making a key': { method: 'key.generate', params: { keyReference: '9C', algorithm: 'P-256', managementKey } },
  'requesting a certificate': { method: 'certificate.request', params: { keyReference: '9A', subject: 'CN=Anna', pin: PIN } },
  'writing a certificate': {
    method: 'certificate.write',
    params: { keyReference: '9A', certificate: newCertificate, managementKey },
  },
  'writing a certificate to a plain card': {
    method: 'certificate.write',
    params: { keyReference: '9A', certificate: newCertificate, managementKey, pin: PIN },
    card: { profile: 'plain' },
  },
  'deleting a certificate': { method: 'certificate.delete', params: { keyReference: '9A', managementKey } },
  'deleting a key': { method: 'key.delete', params: { keyReference: '9A', managementKey } },
  signing: { method: 'sign.digest', params: { keyReference: '9A', algorithm: 'ES256', digest, pin: PIN } },
  'signing with a long RSA key in chains': {
    method: 'sign.digest',
    params: { keyReference: '9D', algorithm: 'RS256', digest, pin: PIN },
    card: { extendedLength: false },
  },
  'transmitting commands': {
    method: 'card.transmit',
    params: { commands: ['00A4040005A000000308', '00CB3FFF055C035FC102', '0020008008313233343536FFFF'] },
  },
};

/** Reads take this for granted to be short. */
const MUTE_TIMEOUT_MS = 10;
/** What a card might say at any moment: right, wrong, and out of place. */
const STATUS_WORDS = [
  '6F00',
  '6982',
  '6A82',
  '6A80',
  '6983',
  '63C1',
  '63C0',
  '6300',
  '6A88',
  '6700',
  '6D00',
  '6A84',
  '6100',
  '6CFF',
  '9000',
  '0000',
];

function makeCard(flow: Flow): WatchedPivCard {
  return watchedPivCard({
    keys: { '9A': cardKey('P-256', { certificate }), '9D': cardKey('RSA-2048') },
    serialNumber: 4711,
    ...flow.card,
  });
}

/** A bench that is used for many runs, each on a fresh card. */
class FaultBench {
  readonly bench: Bench;
  readonly api: RpcSocket;
  readonly flow: Flow;

  constructor(bench: Bench, api: RpcSocket, flow: Flow) {
    this.bench = bench;
    this.api = api;
    this.flow = flow;
  }

  /** Runs the flow with these faults, counted from its first exchange, and checks what is left. Gives its outcome and the exchanges that it took. */
  async run(faults: readonly Fault[]): Promise<{ readonly outcome: 'ok' | ErrorCode; readonly exchanges: number }> {
    const { bench, api, flow } = this;
    const card = makeCard(flow);
    const id = await bench.insert(card);
    card.forget();
    bench.reader().arm(faults);
    const answer = await api.call(flow.method, { ...flow.params, card: id });
    const { exchanges } = card;
    bench.reader().disarm();
    await this.requireAlive(card);
    return { outcome: outcomeOf(answer), exchanges };
  }

  /** The card works, as it was or put in anew, and holds nothing half done. */
  async requireAlive(card: WatchedPivCard): Promise<void> {
    const { bench, api } = this;
    if (!bench.reader().card) await bench.insert(card);
    const read = resultOf(await api.call('card.read', { card: { reader: bench.readerId() } }));
    expect(read.pins[0]?.attemptsRemaining).toBe(3);
    for (const held of read.certificates) expect(held.parsed, 'a certificate that was written by halves').toBeDefined();
    expect(bench.daemon.desk.readers[0]?.queue.length).toBe(0);
    expect(resultOf(await api.call('system.health')).callsUnderWay).toBe(1); // itself
  }
}

async function openFaultBench(stack: AsyncDisposableStack, flow: Flow): Promise<FaultBench> {
  const bench = stack.use(await openBench({ readers: [{ muteTimeoutMs: MUTE_TIMEOUT_MS }] }));
  return new FaultBench(bench, await bench.socket(), flow);
}

describe.each(Object.entries(FLOWS))('%s', (_, flow) => {
  it.each(['before', 'after'] as const)(
    'ends in card_removed when the card is pulled %s any of its exchanges is carried out',
    async (phase) => {
      await using stack = new AsyncDisposableStack();
      const faulty = await openFaultBench(stack, flow);
      let at = 1;
      for (; ; at++) {
        const { outcome, exchanges } = await faulty.run([{ kind: 'pull', at, phase }]);
        if (outcome === 'ok') {
          expect(at).toBe(exchanges + 1);
          break;
        }
        expect(outcome, `pulled at exchange ${at}`).toBe('card_removed');
      }
      expect(at).toBeGreaterThan(2);
    },
  );

  it.each(['before', 'after'] as const)(
    'ends in card_reset, or is read again, when the card is reset %s any of its exchanges is carried out',
    async (phase) => {
      await using stack = new AsyncDisposableStack();
      const faulty = await openFaultBench(stack, flow);
      const { exchanges } = await faulty.run([]);
      for (let at = 1; at <= exchanges; at++) {
        const { outcome } = await faulty.run([{ kind: 'reset', at, phase }]);
        expect(['card_reset', 'ok'], `reset at exchange ${at}`).toContain(outcome);
      }
    },
  );

  it('ends in card_unresponsive when the card falls mute at any of its exchanges', async () => {
    await using stack = new AsyncDisposableStack();
    const faulty = await openFaultBench(stack, flow);
    for (let from = 1; ; from++) {
      const { outcome, exchanges } = await faulty.run([{ kind: 'mute', from }]);
      if (outcome === 'ok') {
        expect(from).toBe(exchanges + 1);
        break;
      }
      expect(outcome, `mute from exchange ${from}`).toBe('card_unresponsive');
    }
  });

  it('ends in a documented error or in success, whatever status word the card answers at any of its exchanges', async () => {
    await using stack = new AsyncDisposableStack();
    const faulty = await openFaultBench(stack, flow);
    const { exchanges } = await faulty.run([]);
    for (let at = 1; at <= exchanges; at++) {
      for (const statusWord of STATUS_WORDS) {
        const { outcome } = await faulty.run([{ kind: 'statusWord', at, statusWord }]);
        expect(outcome, `${statusWord} at exchange ${at}`).not.toBe('internal_error');
      }
    }
  });

  it('ends in a documented error or in success when an answer is cut short or replaced by nonsense', async () => {
    await using stack = new AsyncDisposableStack();
    const faulty = await openFaultBench(stack, flow);
    const { exchanges } = await faulty.run([]);
    const altered = (at: number): readonly Fault[] => [
      { kind: 'truncate', at, lengthBytes: 0 },
      { kind: 'truncate', at, lengthBytes: 1 },
      { kind: 'truncate', at, lengthBytes: 3 },
      { kind: 'garbage', at },
      { kind: 'garbage', at, response: '5382FFFF709000' },
      { kind: 'garbage', at, response: '7C0482020000' + '9000' },
      { kind: 'garbage', at, response: '30819000' },
    ];
    for (let at = 1; at <= exchanges; at++) {
      for (const fault of altered(at)) {
        const { outcome } = await faulty.run([fault]);
        expect(outcome, JSON.stringify(fault)).not.toBe('internal_error');
      }
    }
  });
});

describe('identifying a card', () => {
  it.each(['pull', 'reset'] as const)(
    'survives a %s at any of its exchanges, and the next call finds out again',
    async (kind) => {
      await using stack = new AsyncDisposableStack();
      const faulty = await openFaultBench(stack, { method: 'card.read', params: {} });
      const { bench, api } = faulty;
      for (let at = 1, exchanges = Infinity; at <= exchanges; at++) {
        const card = makeCard(faulty.flow);
        bench.reader().arm([{ kind, at }]);
        bench.reader().insert(card);
        await eventually('the end of the identification', () => {
          const [found] = bench.daemon.desk.cards;
          return bench.reader().card === undefined
            ? !found
            : found && found.status !== 'identifying' && bench.daemon.desk.readers[0]?.queue.length === 0;
        });
        if (card.exchanges < at) exchanges = card.exchanges;
        const [known] = resultOf(await api.call('card.list')).cards;
        if (known?.status === 'failed')
          expect(known.problem).toMatchObject({ code: 'card_reset', message: expect.stringMatching(/./) as string });
        bench.reader().disarm();
        await faulty.requireAlive(card);
      }
    },
  );

  it('of a card that is mute ends in a problem that the list tells, and a call tries again', async () => {
    await using bench = await openBench({ readers: [{ muteTimeoutMs: MUTE_TIMEOUT_MS }] });
    const api = await bench.socket();
    bench.reader().arm([{ kind: 'mute', from: 3 }]);
    const id = await bench.insert(watchedPivCard());
    expect(resultOf(await api.call('card.list')).cards).toMatchObject([
      { id, status: 'failed', problem: { code: 'card_unresponsive' } },
    ]);
    bench.reader().disarm();
    const { card } = resultOf(await api.call('card.read', { card: id }));
    expect(card).toMatchObject({ status: 'ready', application: { id: 'piv' } });
    expect(card.problem).toBeUndefined();
  });
});

describe('a hostile card', () => {
  const rounds = process.env['KORTD_LONG'] ? 500 : 10;
  const CALL_DEADLINE_MS = 2_000;
  /** On top of its own deadline. */
  const GRACE_MS = 3_000;

  it(
    `that answers random bytes gets documented errors out of every flow, in bounded time, ${rounds} times over`,
    async () => {
      await using bench = await openBench({ readers: [{ muteTimeoutMs: MUTE_TIMEOUT_MS }] });
      const api = await bench.socket();
      const seen = new Set<string>();
      for (let seed = 1; seed <= rounds; seed++) {
        const id = await bench.insert(createHostileCard(seed));
        for (const { method, params } of Object.values(FLOWS)) {
          const began = performance.now();
          const answer = await api.call(
            method,
            { ...params, card: id, allowLastTry: true, ...onlyKnown(method) },
            { timeoutMs: CALL_DEADLINE_MS },
          );
          expect(performance.now() - began, `${method}, seed ${seed}`).toBeLessThan(CALL_DEADLINE_MS + GRACE_MS);
          expect(outcomeOf(answer), `${method}, seed ${seed}: ${JSON.stringify(answer)}`).not.toBe('internal_error');
          seen.add(outcomeOf(answer));
        }
        const [card] = resultOf(await api.call('card.list')).cards;
        expect(card?.problem?.code).not.toBe('internal_error');
      }
      expect(seen.size, [...seen].join(' ')).toBeGreaterThan(3);
      const id = await bench.insert(watchedPivCard());
      expect(outcomeOf(await api.call('card.read', { card: id }))).toBe('ok');
    },
    process.env['KORTD_LONG'] ? 600_000 : 60_000,
  );
});

/** Parameters that only some methods take; undefined ones are left out of the JSON. */
function onlyKnown(method: MethodName): object {
  const takesTries = [
    'pin.verify',
    'pin.change',
    'pin.unblock',
    'sign.digest',
    'certificate.request',
    'certificate.write',
  ].includes(method);
  return takesTries ? {} : { allowLastTry: undefined };
}

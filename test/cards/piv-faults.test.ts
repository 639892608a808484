import { describe, expect, it } from 'vitest';
import { CardError } from '../../apdu/errors.ts';
import { type DeviceError, DeviceRemovedError, DeviceResetError, DeviceTimeoutError } from '../../drivers/errors.ts';
import type { SimulatedClock } from '../../drivers/simulated/clock.ts';
import type { Fault } from '../../drivers/simulated/faults.ts';
import { PivDesk, secret } from './piv-desk.ts';
import { FLOWS, FLOW_CARD, NEW_CERTIFICATE, OLD_CERTIFICATE, YUBICO_FLOWS, type Flow } from './piv-flows.ts';

const MAX_EXCHANGES = 60;
/** Time passes at once: a mute card is given up without waiting. */
const HASTY_CLOCK: SimulatedClock = { now: () => 0, wait: (_, signal) => Promise.resolve(signal?.throwIfAborted()) };

type Profile = 'yubikey' | 'plain';
interface Way {
  readonly name: string;
  readonly profile: Profile;
  readonly readerCarriesExtendedLength: boolean;
  readonly flows: readonly Flow[];
}
const WAYS: readonly Way[] = [
  {
    ...{ name: 'a yubikey with extended length', profile: 'yubikey', readerCarriesExtendedLength: true },
    flows: [...FLOWS, ...YUBICO_FLOWS],
  },
  { name: 'a plain card with short length', profile: 'plain', readerCarriesExtendedLength: false, flows: FLOWS },
];

interface Outcome {
  readonly desk: PivDesk;
  /** Undefined when the flow went through. */
  readonly error: unknown;
  /** The flow ended before the fault came. */
  readonly isUntouched: boolean;
}

async function runWith(way: Way, flow: Flow, at: number, fault: Fault): Promise<Outcome> {
  const desk = new PivDesk({
    card: { state: FLOW_CARD[way.profile] },
    readerCarriesExtendedLength: way.readerCarriesExtendedLength,
    clock: HASTY_CLOCK,
  });
  let exchanges = 0;
  desk.reader.arm([fault]);
  const error = await desk.transact(flow.run, { onExchange: () => exchanges++ }).then(
    () => undefined,
    (reason: unknown) => reason ?? new TypeError('rejected with nothing'),
  );
  desk.reader.disarm();
  if (!desk.reader.card) desk.insert();
  return { desk, error, isUntouched: exchanges < at };
}

/** The next program finds the reader free and the card at work. */
async function expectUsable({ desk }: Outcome): Promise<void> {
  await desk.use(async ({ token }) => expect((await token.pin('80')).attemptsRemaining).toBeTypeOf('number'));
}

/** Runs the flow with the fault at exchange 1, 2, 3 … until it ends before the fault comes, and looks at what became of each run. */
async function disturb(
  way: Way,
  flow: Flow,
  makeFault: (at: number) => Fault,
  check: (outcome: Outcome, at: number) => Promise<void> | void,
): Promise<void> {
  for (let at = 1; at <= MAX_EXCHANGES; at++) {
    const outcome = await runWith(way, flow, at, makeFault(at));
    await expectUsable(outcome);
    if (!outcome.isUntouched) {
      await check(outcome, at);
      continue;
    }
    expect(outcome.error).toBeUndefined();
    expect(at, 'exchanges of the flow, and one').toBeGreaterThan(2);
    return;
  }
  expect.fail(`${flow.name} never went through in ${MAX_EXCHANGES} exchanges`);
}

const LOSSES: readonly [string, (at: number) => Fault, new (message: string) => DeviceError][] = [
  ['pulled before', (at) => ({ kind: 'pull', at, phase: 'before' }), DeviceRemovedError],
  ['pulled after', (at) => ({ kind: 'pull', at, phase: 'after' }), DeviceRemovedError],
  ['reset before', (at) => ({ kind: 'reset', at, phase: 'before' }), DeviceResetError],
  ['reset after', (at) => ({ kind: 'reset', at, phase: 'after' }), DeviceResetError],
  ['mute from', (from) => ({ kind: 'mute', from }), DeviceTimeoutError],
];
const STATUS_WORDS = ['6F00', '6982', '6A80', '6D00'];
const DAMAGES: readonly [string, (at: number) => Fault][] = [
  ['garbage', (at) => ({ kind: 'garbage', at })],
  ['garbage that says 9000', (at) => ({ kind: 'garbage', at, response: 'A5A5A5A5A5A5A5A59000' })],
  ['data that say nothing', (at) => ({ kind: 'garbage', at, response: '9000' })],
  ['no byte', (at) => ({ kind: 'truncate', at, lengthBytes: 0 })],
  ['one byte', (at) => ({ kind: 'truncate', at, lengthBytes: 1 })],
];

describe.each(WAYS)('on $name', (way) => {
  describe.each(way.flows)('to $name', (flow) => {
    it.each(LOSSES)(
      'with the card %s each exchange ends in the error for that, and the reader is free',
      async (_, fault, expected) => {
        await disturb(way, flow, fault, ({ error }, at) => expect(error, `exchange ${at}`).toBeInstanceOf(expected));
      },
    );

    it.each(STATUS_WORDS)(
      'with %s for each exchange ends in a card error with that status word, or goes through',
      async (statusWord) => {
        await disturb(
          way,
          flow,
          (at) => ({ kind: 'statusWord', at, statusWord }),
          ({ error }, at) => {
            if (error === undefined) return;
            expect(error, `exchange ${at}`).toBeInstanceOf(CardError);
            if (error instanceof CardError && error.statusWord !== undefined)
              expect(error.statusWord, `exchange ${at}`).toBe(Number.parseInt(statusWord, 16));
          },
        );
      },
    );

    it.each(DAMAGES)('with %s for each answer ends in a card error, or goes through', async (_, fault) => {
      await disturb(way, flow, fault, ({ error }, at) => {
        if (error !== undefined) expect(error, `exchange ${at}`).toBeInstanceOf(CardError);
      });
    });
  });
});

describe.each(WAYS)('after a loss at any exchange, on $name,', (way) => {
  const flowNamed = (name: string): Flow => {
    const found = FLOWS.find((flow) => flow.name === name);
    if (!found) throw new RangeError(`no flow is named ${name}`);
    return found;
  };
  const certificateOn = async (desk: PivDesk): Promise<Uint8Array | undefined> =>
    (await desk.use(({ token }) => token.contents())).certificates.find(({ keyReference }) => keyReference === '9A')?.der;

  it.each(LOSSES)('%s, the certificate is the old or the new one, whole', async (_, fault) => {
    const seen = new Set<string>();
    await disturb(way, flowNamed('write a certificate'), fault, async ({ desk }) => {
      const der = await certificateOn(desk);
      const which = [OLD_CERTIFICATE, NEW_CERTIFICATE].findIndex(
        (candidate) => Buffer.compare(candidate, der ?? new Uint8Array()) === 0,
      );
      seen.add(['old', 'new'][which] ?? 'broken');
    });
    expect([...seen].sort()).toEqual(['new', 'old']);
  });

  it.each(LOSSES)('%s, a certificate to be deleted is there, or not', async (_, fault) => {
    const seen = new Set<string>();
    await disturb(way, flowNamed('delete a certificate'), fault, async ({ desk }) => {
      const der = await certificateOn(desk);
      seen.add(der === undefined ? 'gone' : Buffer.compare(der, OLD_CERTIFICATE) === 0 ? 'there' : 'broken');
    });
    expect([...seen].sort()).toEqual(['gone', 'there']);
  });

  it.each(LOSSES)('%s, one of the two PINs is right, and no try was used', async (_, fault) => {
    await disturb(way, flowNamed('change the PIN'), fault, async ({ desk }) => {
      await desk.use(async ({ token }) => {
        expect((await token.pin('80')).attemptsRemaining).toBe(3);
        await token.verifyPin('80', secret('654321')).catch(() => token.verifyPin('80', secret('123456')));
      });
    });
  });

  it.each(LOSSES)('%s, no later transaction finds the PIN verified', async (_, fault) => {
    await disturb(way, flowNamed('sign by P-256'), fault, async ({ desk }) => {
      expect((await desk.use(({ token }) => token.pin('80'))).verified).toBe(false);
    });
  });
});

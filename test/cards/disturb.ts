/** Flows with a card that is disturbed at exchange 1, 2, 3 … until the flow goes through: every one ends in the right error, with nothing left open. */
import { describe, expect, it } from 'vitest';
import type { CardChannel } from '../../apdu/card-channel.ts';
import { CardError } from '../../apdu/errors.ts';
import { type DeviceError, DeviceRemovedError, DeviceResetError, DeviceTimeoutError } from '../../drivers/errors.ts';
import type { SimulatedClock } from '../../drivers/simulated/clock.ts';
import type { Fault } from '../../drivers/simulated/faults.ts';
import type { CardDesk } from './card-desk.ts';

const MAX_EXCHANGES = 90;
/** Time passes at once: a mute card is given up without waiting. */
export const HASTY_CLOCK: SimulatedClock = { now: () => 0, wait: (_, signal) => Promise.resolve(signal?.throwIfAborted()) };

export interface Flow {
  readonly name: string;
  readonly run: (channel: CardChannel) => Promise<unknown>;
}

/** A kind of card and reader to run flows on. */
export interface Way<D extends CardDesk> {
  readonly name: string;
  readonly flows: readonly Flow[];
  /** Always the same card, with HASTY_CLOCK. */
  readonly openDesk: () => D;
  /** Fails unless the next program finds the card at work. */
  readonly expectUsable: (desk: D) => Promise<void>;
}

export interface Outcome<D extends CardDesk> {
  readonly desk: D;
  /** Undefined when the flow went through. */
  readonly error: unknown;
  /** The flow ended before the fault came. */
  readonly isUntouched: boolean;
}

async function runWith<D extends CardDesk>(way: Way<D>, flow: Flow, at: number, fault: Fault): Promise<Outcome<D>> {
  const desk = way.openDesk();
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

/** Runs the flow with the fault at exchange 1, 2, 3 … until it ends before the fault comes, and looks at what became of each run. */
export async function disturb<D extends CardDesk>(
  way: Way<D>,
  flow: Flow,
  makeFault: (at: number) => Fault,
  check: (outcome: Outcome<D>, at: number) => Promise<void> | void,
): Promise<void> {
  for (let at = 1; at <= MAX_EXCHANGES; at++) {
    const outcome = await runWith(way, flow, at, makeFault(at));
    await way.expectUsable(outcome.desk);
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

export const LOSSES: readonly [string, (at: number) => Fault, new (message: string) => DeviceError][] = [
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

/** Every flow of every way, lost, refused and damaged at each exchange. */
export function describeDisturbed<D extends CardDesk>(ways: readonly Way<D>[]): void {
  describe.each(ways)('on $name', (way) => {
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
}

export function flowNamed(flows: readonly Flow[], name: string): Flow {
  const found = flows.find((flow) => flow.name === name);
  if (!found) throw new RangeError(`no flow is named ${name}`);
  return found;
}

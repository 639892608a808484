/**
 * A card office at a bench: four readers, two administrators with e-ID cards, a holder with a blank reserve card, and an authority that issues by request. People and
 * keys are those that come with the simulator.
 */
import type { Ceremony } from '../../api-spec/issuance.ts';
import { createEidCard, type EidCardDescription, type SimulatedEidCard } from '../../drivers/simulated/cards/eid.ts';
import { TestStation } from '../prompts/station.ts';
import { OFFICE_RULES, RESERVE_NUMBER, issueAll, orderFields } from './authority.ts';
import { WatchedCard, openBench, resultOf, type Bench, type BenchOptions, type RpcSocket } from '../api/support.ts';

export {
  HOLDER,
  OFFICE_RULES,
  RESERVE_NUMBER,
  issue,
  issueAll,
  issueTo,
  orderFields,
  stepOf,
  type IssueOptions,
} from './authority.ts';

export type OfficeCard = WatchedCard<SimulatedEidCard>;
export const READERS = ['operator', 'secondOperator', 'holder', 'colleague'] as const;
export type OfficeReader = (typeof READERS)[number];

export const PINS = { legitimering: '471100', underskrift: '471101', puk: '47114711' };
/** As a call brings them for the reserve card, which has both in its own folder. */
export const GIVEN = givenWith('8');

/** `place`: first digit of the references, 0 for PINs of the whole card. */
function givenWith(place: '0' | '8') {
  return {
    legitimering: { pin: PINS.legitimering, pinReference: `${place}1` },
    underskrift: { pin: PINS.underskrift, pinReference: `${place}2` },
  } as const;
}

export interface Office extends AsyncDisposable {
  readonly bench: Bench;
  readonly api: RpcSocket;
  readonly station: TestStation;
  readonly cards: Readonly<Record<'anna' | 'bjorn' | 'cecilia' | 'reserve', OfficeCard>>;
  put(card: OfficeCard, reader: OfficeReader): Promise<string>;
  take(reader: OfficeReader): void;
  /** The PINs of the reserve card, as a call brings them. */
  readonly given: ReturnType<typeof givenWith>;
  /** Moves the clock of issuance, and what passes whatever that clock says. */
  readonly clock: { now: Date; monotonicMs: number };
}

export interface OfficeOptions extends Pick<BenchOptions, 'dataFolder' | 'policy' | 'log' | 'telemetry'> {
  readonly reserve?: EidCardDescription;
  /** HSA-ids of those who act as administrators without a policy that names them. Default: Anna and Björn. */
  readonly administrators?: readonly string[];
  /** No card is in a reader. */
  readonly isEmpty?: boolean;
}

export async function openOffice(options: OfficeOptions = {}): Promise<Office> {
  await using undo = new AsyncDisposableStack();
  const clock = { now: new Date(), monotonicMs: 0 };
  const roles = Object.fromEntries(READERS.map((role) => [role, { reader: { serialNumber: `OFFICE-${role}` } }]));
  const bench = undo.use(
    await openBench({
      ...options,
      readers: READERS.map((role) => ({ name: `Office ${role} 00 00`, serialNumber: `OFFICE-${role}` })),
      policy: { roles, ...options.policy },
      ...OFFICE_RULES,
      ...(options.administrators ? { simulatedAdministrators: options.administrators } : {}),
      now: () => clock.now,
      monotonicMs: () => clock.monotonicMs,
    }),
  );
  const make = (description: EidCardDescription): OfficeCard => new WatchedCard(createEidCard({ pins: PINS, ...description }));
  const cards = {
    anna: make({ persona: 'anna', profile: 'myeid' }),
    bjorn: make({ persona: 'bjorn' }),
    cecilia: make({ persona: 'cecilia' }),
    reserve: make({ profile: 'plain', cardNumber: RESERVE_NUMBER, preparedKeys: 'P-256', ...options.reserve }),
  };
  const station = undo.use(await TestStation.open(bench));
  const api = await bench.socket();
  const put = (card: OfficeCard, reader: OfficeReader): Promise<string> => bench.insert(card, READERS.indexOf(reader));
  if (!options.isEmpty) {
    await put(cards.anna, 'operator');
    await put(cards.bjorn, 'secondOperator');
    await put(cards.reserve, 'holder');
  }
  const resources = undo.move();
  return {
    ...{ bench, api, station, cards, put, clock },
    given: (options.reserve?.profile ?? 'plain') === 'plain' ? GIVEN : givenWith('0'),
    take: (reader) => bench.reader(READERS.indexOf(reader)).remove(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** PINs are given in the call, as a native program may. */
export async function orderReserveCard({ api, clock }: Office, fields: Readonly<Record<string, string>> = {}): Promise<Ceremony> {
  const { ceremony } = resultOf(await api.call('issuance.start', { routine: 'reserve-card-loa3' }));
  resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: { ...orderFields(clock.now), ...fields } }));
  const sign = { ceremony, language: 'sv', pin: PINS.underskrift } as const;
  resultOf(await api.call('issuance.sign', { ...sign, step: 'ordered' }));
  resultOf(await api.call('issuance.sign', { ...sign, step: 'reviewed' }));
  return resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
}

/** Keys, requests, certificates: everything but the receipt. */
export async function downloadReserveCard(office: Office, { ceremony }: Ceremony): Promise<Ceremony> {
  const { api } = office;
  resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
  const requested = resultOf(await api.call('issuance.resume', { ceremony, ...office.given.underskrift }));
  const certificates = [...issueAll(requested, 'download', { now: office.clock.now })];
  return resultOf(await api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.legitimering }));
}

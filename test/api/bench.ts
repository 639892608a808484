/**
 * The daemon in this process, on simulated readers and a port of its own, for one test: `await using bench = await openBench()`. When the test is over,
 * everything is closed. That nothing is left open, and that no PIN is in anything that the daemon wrote, is part of every test.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connect, type Client } from '../../api-spec/client/client.ts';
import type { CardConnection } from '../../apdu/card-connection.ts';
import { Configuration } from '../../daemon/configuration/configuration.ts';
import { startDaemon, type Daemon, type DaemonOptions } from '../../daemon/daemon.ts';
import type { SimulatedCountrySigners } from '../../daemon/documents/trust-store.ts';
import type { SimulatedAuthorities } from '../../daemon/identity/settings.ts';
import type { Log } from '../../daemon/log.ts';
import type { TelemetrySettings } from '../../daemon/telemetry/settings.ts';
import { readerId } from '../../daemon/desk/desk.ts';
import type { ReaderSource } from '../../drivers/reader-source.ts';
import { createLinePadDrivers } from '../../drivers/pads/line-configuration.ts';
import { StuDriver } from '../../drivers/pads/stu/driver.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { SimulatedPadDesk } from '../../drivers/simulated/pads/desk.ts';
import type { LinePadRow } from '../../drivers/simulated/pads/line-pad-schema.ts';
import type { SimulatedStuOptions } from '../../drivers/simulated/pads/stu.ts';
import { UTOPIAN_COUNTRY_SIGNERS } from '../../drivers/simulated/cards/emrtd.ts';
import type { ScenarioCard } from '../../drivers/simulated/scenario.ts';
import { SimulatedReader, type SimulatedReaderOptions } from '../../drivers/simulated/reader.ts';
import { makeDocument } from '../../drivers/simulated/scanners/documents.ts';
import { createSimulatedScanner, type SimulatedScanner } from '../../drivers/simulated/scanners/driver.ts';
import { createSimulatedSource, type SimulatedSource } from '../../drivers/simulated/source.ts';
import { noteCallsOf, openEvidence } from '../evidence/evidence.ts';
import { RestTransport, RpcSocket, eventually, type Transport, type TransportName } from './transports.ts';

export interface BenchOptions {
  /** Default: one reader without a keypad. */
  readonly readers?: readonly Partial<SimulatedReaderOptions>[];
  readonly log?: Log;
  /** Content of the policy's one file. */
  readonly policy?: object;
  readonly simulatedAuthorities?: SimulatedAuthorities;
  /** Who signs travel documents; default: those of the simulated ones. */
  readonly countrySigners?: SimulatedCountrySigners | 'none';
  /** HSA-ids. */
  readonly simulatedAdministrators?: readonly string[];
  /** Cards beside the readers, for simulation.insertCard. */
  readonly cards?: readonly ScenarioCard[];
  /** Signature pads. Default: one, STU-430 with the serial number BENCHPAD1. */
  readonly pads?: readonly SimulatedStuOptions[];
  /** Those on lines and of signotec's service. Default: none. */
  readonly linePads?: readonly LinePadRow[];
  /** The daemon is told that its desk is not simulated. */
  readonly isReal?: boolean;
  /** Of issuance. */
  readonly now?: () => Date;
  readonly monotonicMs?: () => number;
  /** Programs that use PKCS #11 are held by a process that outlives the daemon. */
  readonly pkcs11Front?: DaemonOptions['pkcs11Front'];
  /** What is told of the daemon's work. Default: nothing. */
  readonly telemetry?: TelemetrySettings;
  /** One that an earlier bench used and that its test tidies up; a new one unless given. */
  readonly dataFolder?: string;
}

/** What happens instead of connecting to a card, while it is set. */
export interface Intercept {
  connect?: (connection: CardConnection) => CardConnection;
  refuse?: () => Error;
}

export interface Bench extends AsyncDisposable {
  readonly daemon: Daemon;
  readonly port: number;
  readonly token: string;
  readonly dataFolder: string;
  readonly source: SimulatedSource;
  readonly intercept: Intercept;
  readonly pads: SimulatedPadDesk;
  /** Of identity documents: "bench.main". */
  readonly scanner: SimulatedScanner;
  reader(index?: number): SimulatedReader;
  readerId(index?: number): string;
  /** Puts the card in, and resolves with its id when it is identified. */
  insert(card: SimulatedCard, index?: number): Promise<string>;
  /** Writes the policy's one file, and has the daemon read it. */
  setPolicy(content: object): Promise<void>;
  /** A WebSocket, greeted; closed with the bench. */
  socket(): Promise<RpcSocket>;
  client(): Promise<Client>;
  transport(name: TransportName): Promise<Transport>;
}

const SCANNER = { name: 'bench', model: 'Bench Scanner', serialNumber: 'BENCH-SCANNER', paceMs: 1 };
const PASSPORT = {
  ...{ form: 'TD3' as const, surname: 'Testsson', givenNames: 'Eva Linnea', number: 'T12345678', sex: 'F' as const },
  ...{ birthDate: '800214', expiryDate: '300101', optional: '198002141234' },
};

/** Bounds every wait of these tests. */
export const DEADLINE_MS = 5_000;
/** After this a simulated card that does not answer is given up: short, for the tests' sake. */
const MUTE_TIMEOUT_MS = 60;

export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const before = openHandles();
  const isBack = (): boolean => [...openHandles()].every(([kind, count]) => count <= (before.get(kind) ?? 0));
  await using undo = new AsyncDisposableStack();
  undo.defer(async () => {
    await eventually('closing what was open', isBack, DEADLINE_MS).catch(() => undefined);
    expect(isBack(), `open before: ${show(before)}; open after: ${show(openHandles())}`).toBe(true);
  });
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'kortd-api-'));
  if (options.dataFolder === undefined) undo.defer(() => rmSync(dataFolder, { recursive: true, force: true }));
  const policyFolder = join(dataFolder, 'policy.d');
  if (options.policy) writePolicy(policyFolder, options.policy);
  const evidence = openEvidence(dataFolder, options.log);
  undo.defer(() => evidence.searchAfterwards());
  const readers = (options.readers ?? [{}]).map(
    (one, index) => new SimulatedReader({ name: `Bench ${index}`, muteTimeoutMs: MUTE_TIMEOUT_MS, ...one }),
  );
  const source = createSimulatedSource(readers);
  undo.defer(() => checkReadersFree(readers));
  const intercept: Intercept = {};
  const pads = new SimulatedPadDesk(options.pads ?? [{ model: 'STU-430', serialNumber: 'BENCHPAD1' }], options.linePads);
  undo.use(pads.onLines);
  const scanner = createSimulatedScanner({ ...SCANNER, documents: [makeDocument(PASSPORT)] });
  const daemon = undo.use(
    await startDaemon({
      dataFolder,
      policyFolder,
      port: 0,
      sources: [intercepted(source, intercept)],
      simulated: options.isReal !== true,
      simulatedPads: pads,
      padDrivers: async () => {
        const { lines } = pads.onLines;
        const onLines = createLinePadDrivers(await pads.onLines.configuration(), { lines, now: () => performance.now() });
        return [new StuDriver({ ports: pads.bus }), ...onLines];
      },
      simulatedScanners: [scanner],
      simulatedDesk: { source, cards: new Map((options.cards ?? []).map((one) => [one.name, one])) },
      log: evidence.log,
      ...(options.simulatedAuthorities ? { simulatedAuthorities: options.simulatedAuthorities } : {}),
      ...(options.countrySigners === 'none'
        ? {}
        : { simulatedCountrySigners: options.countrySigners ?? UTOPIAN_COUNTRY_SIGNERS }),
      ...(options.simulatedAdministrators ? { simulatedAdministrators: options.simulatedAdministrators } : {}),
      ...(options.pkcs11Front ? { pkcs11Front: options.pkcs11Front } : {}),
      ...(options.telemetry ? { configuration: Configuration.default({ metrics: {}, traces: {}, ...options.telemetry }) } : {}),
      ...(options.now ? { now: options.now } : {}),
      ...(options.monotonicMs ? { monotonicMs: options.monotonicMs } : {}),
    }),
  );
  undo.defer(() => evidence.searchWhileOpen());
  const clients = undo.use(new AsyncDisposableStack());
  const port = Number(new URL(daemon.url).port);
  const { token } = daemon;
  await eventually('finding the readers', () => daemon.desk.readers.length === readers.length);
  const reader = (index = 0): SimulatedReader => {
    const found = readers[index];
    if (!found) throw new RangeError(`there is no reader ${index}`);
    return found;
  };
  const socket = async (): Promise<RpcSocket> => clients.use(await RpcSocket.open(port, token));
  const resources = undo.move();
  return {
    daemon,
    port,
    token,
    dataFolder,
    source,
    intercept,
    pads,
    scanner,
    reader,
    readerId: (index = 0) => readerId('simulated', reader(index).name),
    insert: async (card, index = 0) => {
      const known = new Set(daemon.desk.cards.map(({ id }) => id));
      reader(index).insert(card);
      return await eventually('identifying the card', () => {
        const found = daemon.desk.cards.find(({ id, reader: its }) => !known.has(id) && its.name === reader(index).name);
        return found && found.status !== 'identifying' && found.id;
      });
    },
    setPolicy: async (content) => {
      writePolicy(policyFolder, content);
      await daemon.reload();
    },
    socket,
    client: async () => {
      const client = noteCallsOf(await connect({ url: daemon.url, token }));
      clients.defer(async () => {
        client.close();
        await client.closed;
      });
      return client;
    },
    transport: async (name) => (name === 'REST' ? new RestTransport(port, token) : await socket()),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** For the daemon's own user alone to write, or it is refused. */
export function writePolicy(folder: string, content: object): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'policy.json'), JSON.stringify(content), { mode: 0o600 });
}

function intercepted(source: SimulatedSource, intercept: Intercept): ReaderSource {
  return {
    id: source.id,
    watch: (options) => source.watch(options),
    connect: async (name, options) => {
      if (intercept.refuse) throw intercept.refuse();
      const connection = await source.connect(name, options);
      return intercept.connect ? intercept.connect(connection) : connection;
    },
  };
}

/** Servers, sockets and timers that keep this process alive, by kind. Vitest's own timer for the test may end before the test does. */
function openHandles(): ReadonlyMap<string, number> {
  const counts = new Map([
    ['TCPServerWrap', 0],
    ['TCPSocketWrap', 0],
    ['Timeout', 0],
  ]);
  for (const kind of process.getActiveResourcesInfo()) {
    const count = counts.get(kind);
    if (count !== undefined) counts.set(kind, count + 1);
  }
  return counts;
}

function show(handles: ReadonlyMap<string, number>): string {
  return [...handles].map(([kind, count]) => `${count} ${kind}`).join(', ');
}

/** A transaction that somebody forgot would keep the next one waiting. */
async function checkReadersFree(readers: readonly SimulatedReader[]): Promise<void> {
  for (const reader of readers) {
    reader.disarm();
    if (reader.state().status !== 'present' || reader.state().heldElsewhere) continue;
    await using connection = await reader.connect(AbortSignal.timeout(DEADLINE_MS));
    expect(connection.atr).toEqual(reader.card?.atr);
  }
}

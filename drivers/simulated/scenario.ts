/** A whole desk out of one file: readers, the cards in them and beside them, faults, a test CA. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseBase64 } from './bytes.ts';
import type { ForeignCardKind } from './card-kind.ts';
import type { SimulatedCard } from './card.ts';
import { UTOPIAN_COUNTRY_SIGNERS } from './cards/emrtd.ts';
import { CARD_KINDS } from './cards/index.ts';
import { systemClock, type SimulatedClock } from './clock.ts';
import { SimulationFileError, withFile } from './errors.ts';
import type { KeypadScript } from './keypad.ts';
import { SimulatedPadDesk } from './pads/desk.ts';
import { SIMULATED_STU_MODELS } from './pads/stu-models.ts';
import { SimulatedReader } from './reader.ts';
import { scenarioSchema, type ScenarioCardRow, type ScenarioFile, type ScenarioReaderRow } from './scenario-schema.ts';
import cardOffice from './scenarios/card-office.json' with { type: 'json' };
import office from './scenarios/office.json' with { type: 'json' };
import { check, parseJson } from './schema.ts';
import { makeDocument } from './scanners/documents.ts';
import { createSimulatedScanner, type SimulatedScanner } from './scanners/driver.ts';
import type { ServiceRow } from './scanners/service-row.ts';
import { createSimulatedSource, type SimulatedSource } from './source.ts';

export interface ScenarioOptions {
  /** Where `stateFile` of a card is relative to. Default: the folder of the scenario file, or the working folder for a named scenario. */
  readonly stateFolder?: string;
  readonly clock?: SimulatedClock;
  /** Kinds of card beside those of the desk itself. */
  readonly kinds?: ReadonlyMap<string, ForeignCardKind>;
}

/** What cards are made with. */
interface CardSurroundings {
  readonly stateFolder: string;
  /** Of the scenario file. */
  readonly folder: string;
  readonly kinds: ReadonlyMap<string, ForeignCardKind>;
}

export interface ScenarioReader {
  readonly reader: SimulatedReader;
  /** What the scenario means it for: "operator". Whoever serves the scenario may bind it so. */
  readonly role?: string;
  readonly isContactless: boolean;
}

export interface ScenarioCard {
  readonly name: string;
  readonly card: SimulatedCard;
  readonly persona?: { readonly name: string; readonly hsaId?: string };
  /** What it is, for people. */
  readonly note?: { readonly en: string; readonly sv: string };
}

/** A certification authority of the scenario. A test key: everybody has it. */
export interface ScenarioAuthority {
  readonly name: string;
  /** X.509, DER. */
  readonly certificate: Uint8Array;
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array;
}

/** A desk, ready. Disposing of it pulls every card and stops what was armed. */
export interface Scenario extends AsyncDisposable {
  readonly name: string;
  readonly source: SimulatedSource;
  readonly readers: readonly ScenarioReader[];
  /** By name; those in no reader wait to be inserted. */
  readonly cards: ReadonlyMap<string, ScenarioCard>;
  /** Of identity documents. Whoever serves them disposes of them. */
  readonly scanners: readonly SimulatedScanner[];
  /** Vendors' services, which whoever serves them opens. */
  readonly scannerServices: readonly ServiceRow[];
  readonly authorities: readonly ScenarioAuthority[];
  /** Who signs the passports of the scenario, and what was revoked. */
  readonly countrySigners: typeof UTOPIAN_COUNTRY_SIGNERS;
  /** What certificate policies (object identifiers) of the authorities stand for. */
  readonly assuranceLevels: readonly { readonly policy: string; readonly level: string }[];
  /** HSA-ids of the card office's administrators. */
  readonly administrators: readonly string[];
  readonly pads: SimulatedPadDesk;
  dispose(): Promise<void>;
}

/** Part of the program, so that they are found from a checkout and from a bundle alike. */
const NAMED_SCENARIOS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['card-office', cardOffice],
  ['office', office],
]);

export const SCENARIO_NAMES: readonly string[] = [...NAMED_SCENARIOS.keys()];

/** Loads a named scenario, or a file: everything with a slash in it or ".json" at its end. Throws SimulationFileError with the path of a bad field. */
export async function loadScenario(nameOrPath: string, options: ScenarioOptions = {}): Promise<Scenario> {
  const isPath = /[/\\]|\.json$/.test(nameOrPath);
  const attempt = `loading scenario ${nameOrPath}`;
  try {
    const file = check(scenarioSchema, isPath ? parseJson(await readScenario(nameOrPath)) : findNamed(nameOrPath));
    const folder = isPath ? dirname(nameOrPath) : '.';
    const { stateFolder = folder, kinds = new Map<string, ForeignCardKind>() } = options;
    return await build(file, { ...options, folder, stateFolder, kinds });
  } catch (error) {
    throw withFile(error, attempt, nameOrPath);
  }
}

function findNamed(name: string): unknown {
  const scenario = NAMED_SCENARIOS.get(name);
  if (scenario === undefined) throw new SimulationFileError(`there is no such scenario (there is: ${SCENARIO_NAMES.join(', ')})`);
  return scenario;
}

async function readScenario(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new SimulationFileError(error instanceof Error ? error.message : String(error), {}, { cause: error });
  }
}

async function build(file: ScenarioFile, options: ScenarioOptions & CardSurroundings): Promise<Scenario> {
  const authorities = (file.authorities ?? []).map((authority) => ({
    name: authority.name,
    certificate: parseBase64(authority.certificate),
    privateKey: parseBase64(authority.privateKey),
  }));
  const cards = new Map<string, ScenarioCard>();
  for (const [index, row] of file.cards.entries()) {
    if (cards.has(row.name)) throw fieldError(`cards[${index}].name`, `there are two cards ${row.name}`);
    cards.set(row.name, await makeCard(row, `cards[${index}]`, options));
  }
  const readers = file.readers.map((row) => makeReader(row, options.clock ?? systemClock));
  requireUniqueNames(file.readers);
  for (const [index, row] of file.readers.entries()) furnish(readers[index]?.reader, row, cards, `readers[${index}]`);
  const scanners = (file.scanners ?? []).map(makeScanner);
  const source = createSimulatedSource(readers.map(({ reader }) => reader));
  const pads = makePads(file);
  const dispose = async (): Promise<void> => {
    for (const reader of source.readers) {
      reader.disarm();
      reader.remove();
    }
    source.stopService();
    await pads.onLines[Symbol.asyncDispose]();
  };
  const { name, assuranceLevels = [], administrators = [] } = file;
  return {
    ...{ name, source, readers, cards, authorities, assuranceLevels, administrators, dispose },
    ...{ pads, scanners, scannerServices: file.scannerServices ?? [], countrySigners: UTOPIAN_COUNTRY_SIGNERS },
    [Symbol.asyncDispose]: dispose,
  };
}

async function makeCard(row: ScenarioCardRow, field: string, surroundings: CardSurroundings): Promise<ScenarioCard> {
  const open = openerOf(row, field, surroundings);
  try {
    const card = await open(row.options ?? {});
    return { name: row.name, card, ...(row.persona ? { persona: row.persona } : {}), ...(row.note ? { note: row.note } : {}) };
  } catch (error) {
    if (!(error instanceof SimulationFileError) || error.file !== undefined) throw error;
    const inner = error.field === undefined || error.field === '' ? '' : `.${error.field}`;
    const where = `${field}.options`;
    const sv = error.sv === undefined ? {} : { sv: `${where}: ${error.sv}` };
    throw new SimulationFileError(`${where}: ${error.message}`, { field: `${where}${inner}`, ...sv }, { cause: error });
  }
}

type CardOpener = (options: object) => SimulatedCard | Promise<SimulatedCard>;

function openerOf(row: ScenarioCardRow, field: string, surroundings: CardSurroundings): CardOpener {
  const { stateFolder, folder, kinds } = surroundings;
  const { name, stateFile } = row;
  const foreign = kinds.get(row.kind);
  if (foreign) {
    if (stateFile !== undefined) throw fieldError(`${field}.stateFile`, 'a card of this kind keeps nothing');
    return (options) => foreign.create(check(foreign.schema, options) as object, { folder, name });
  }
  const kind = CARD_KINDS.get(row.kind);
  const known = [...CARD_KINDS.keys(), ...kinds.keys()].join(', ');
  if (!kind) throw fieldError(`${field}.kind`, `there is no such kind of card (there is: ${known})`);
  return (options) => {
    const checked = check(kind.schema, options) as object;
    return stateFile === undefined ? kind.create(checked) : kind.openFile(resolve(stateFolder, stateFile), checked);
  };
}

function makeReader(row: ScenarioReaderRow, clock: SimulatedClock): ScenarioReader {
  const reader = new SimulatedReader({
    name: row.name,
    clock,
    ...(row.serialNumber === undefined ? {} : { serialNumber: row.serialNumber }),
    ...(row.usbPath === undefined ? {} : { usbPath: row.usbPath }),
    ...(row.supportsExtendedLength === undefined ? {} : { supportsExtendedLength: row.supportsExtendedLength }),
    ...(row.keypad ? { keypad: typeInTurn(row.keypad) } : {}),
  });
  return { reader, isContactless: row.contactless ?? false, ...(row.role === undefined ? {} : { role: row.role }) };
}

function makeScanner({ documents, faults, paceMs, ...row }: NonNullable<ScenarioFile['scanners']>[number]): SimulatedScanner {
  return createSimulatedScanner({
    ...row,
    documents: documents.map(makeDocument),
    ...(faults ? { faults } : {}),
    ...(paceMs === undefined ? {} : { paceMs }),
  });
}

function requireUniqueNames(rows: readonly ScenarioReaderRow[]): void {
  const second = rows.findIndex((row, index) => rows.findIndex((other) => other.name === row.name) < index);
  if (second !== -1) throw fieldError(`readers[${second}].name`, 'another reader has it too');
}

function furnish(
  reader: SimulatedReader | undefined,
  row: ScenarioReaderRow,
  cards: ReadonlyMap<string, ScenarioCard>,
  field: string,
): void {
  if (row.card !== undefined) {
    const entry = cards.get(row.card);
    if (!entry) throw fieldError(`${field}.card`, `there is no card ${row.card}`);
    reader?.insert(entry.card);
  }
  reader?.arm(row.faults ?? []);
}

function typeInTurn(entries: readonly string[]): KeypadScript {
  let typed = 0;
  return () => entries[Math.min(typed++, entries.length - 1)] ?? 'timeout';
}

function makePads({ pads: rows = [], linePads = [] }: ScenarioFile): SimulatedPadDesk {
  const index = rows.findIndex(({ model }) => !(model in SIMULATED_STU_MODELS));
  if (index !== -1) throw fieldError(`pads[${index}].model`, 'there is no such pad');
  return new SimulatedPadDesk(rows, linePads);
}

function fieldError(field: string, message: string): SimulationFileError {
  return new SimulationFileError(`${field}: ${message}`, { field });
}

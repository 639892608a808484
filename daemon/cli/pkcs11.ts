/** `kortd pkcs11 …`: how native programs get at the desk's cards, through p11-kit; and which of them are told of it. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { addressOf } from '../pkcs11/module-file.ts';
import { SetupError, type Texts } from '../pkcs11/setup/errors.ts';
import { programSetups } from '../pkcs11/setup/index.ts';
import { thisMachine } from '../pkcs11/setup/machine.ts';
import type { Change, Changes, Place, PlaceState, ProgramId, ProgramSetup } from '../pkcs11/setup/program-setup.ts';
import { findWhere } from '../service/where.ts';
import { printNotice, printResult } from './output.ts';

export interface Pkcs11Flags {
  readonly dataDir: string;
}

/** Of the programs none is named, or some. */
export interface ProgramFlags extends Pkcs11Flags, Partial<Record<ProgramId, true>> {
  readonly json?: true;
}

/** For P11_KIT_SERVER_ADDRESS, and nothing else. */
export async function runPkcs11Address(flags: Pkcs11Flags): Promise<void> {
  printResult(addressOf(await socketOf(flags)));
}

async function socketOf({ dataDir }: Pkcs11Flags): Promise<string> {
  const { programsSocket } = await findWhere({ dataDir });
  return programsSocket;
}

/** p11-kit in any case: the others come to kortd by its module file. */
export async function runPkcs11Enable(flags: ProgramFlags): Promise<void> {
  const setups = await chosen({ ...flags, p11Kit: true });
  await changeAll(setups, flags, { act: (setup) => setup.enable(), describe: describeEnabled, isStoppedByFirst: true });
}

/** The programs before p11-kit: none of them is left with a library that leads nowhere. */
export async function runPkcs11Disable(flags: ProgramFlags): Promise<void> {
  const setups = [...(await chosen(flags))].reverse();
  await changeAll(setups, flags, { act: (setup) => setup.disable(), describe: describeDisabled });
  await noticeStranded(flags);
}

export async function runPkcs11Status(flags: ProgramFlags): Promise<void> {
  const socket = await socketOf(flags);
  const address = addressOf(socket);
  const isListening = await answers(socket);
  const setups = await chosen(flags);
  if (flags.json) {
    const programs = setups.map((setup) => [setup.id, { isInstalled: setup.isInstalled(), places: setup.places() }]);
    printJson({ address, isListening, programs: Object.fromEntries(programs) as object });
    return;
  }
  printResult(`address: ${address} (${isListening ? 'kortd listens' : 'nobody listens'})`);
  for (const setup of setups) printResult(describeStatus(setup));
}

/** In order; all unless some are named. */
async function chosen(flags: ProgramFlags): Promise<readonly ProgramSetup[]> {
  const setups = Object.values(programSetups(thisMachine(), addressOf(await socketOf(flags))));
  const named = setups.filter(({ id }) => flags[id]);
  return named.length > 0 ? named : setups;
}

interface Action {
  act(setup: ProgramSetup): Changes | Promise<Changes>;
  describe(setup: ProgramSetup, changes: readonly Change[]): readonly string[];
  /** Without the first the others are of no use. */
  readonly isStoppedByFirst?: true;
}

/** What one program refuses holds up no other. Throws what the first of them refused. */
async function changeAll(setups: readonly ProgramSetup[], flags: ProgramFlags, action: Action): Promise<void> {
  const done: [ProgramId, readonly Change[]][] = [];
  const problems: unknown[] = [];
  for (const setup of setups) {
    try {
      const { changes, notices } = await action.act(setup);
      done.push([setup.id, changes]);
      if (!flags.json) for (const line of action.describe(setup, changes)) printResult(line);
      notices.forEach(printBoth);
    } catch (error) {
      problems.push(error);
      if (action.isStoppedByFirst && setup === setups[0]) break;
    }
  }
  if (flags.json) printJson(Object.fromEntries(done));
  const [first, ...others] = problems;
  for (const problem of others) printNotice(`kortd: ${problem instanceof Error ? problem.message : String(problem)}`);
  if (problems.length === 0) return;
  if (first instanceof SetupError && process.stderr.isTTY) printNotice(first.sv);
  throw first;
}

function describeEnabled({ name }: ProgramSetup, changes: readonly Change[]): readonly string[] {
  return changes.map(({ did, path }) => `${name}: ${did === 'enabled' ? 'enabled by' : 'already enabled by'} ${path}`);
}

function describeDisabled({ name }: ProgramSetup, changes: readonly Change[]): readonly string[] {
  const lines = changes.flatMap(({ did, path }) =>
    did === 'disabled' ? [`${name}: disabled, ${path} ${existsSync(path) ? 'is without it' : 'is gone'}`] : [],
  );
  return lines.length > 0 ? lines : [`${name}: it was not enabled`];
}

function describeStatus(setup: ProgramSetup): string {
  const places = setup.places();
  if (places.every(({ state }) => state === 'absent') && !setup.isInstalled()) return `${setup.name}: not installed`;
  const lines = places.map(({ state, path }) => `${STATES[state]} (${path})`);
  return `${setup.name}: ${lines.join(`\n${' '.repeat(setup.name.length + 2)}`)}`;
}

const STATES: Readonly<Record<PlaceState, string>> = {
  absent: 'not enabled',
  enabled: 'enabled',
  foreign: 'something that is not of kortd is in the way',
  other_address: 'enabled, for another data folder or library',
  other_name: 'goes through p11-kit already, by an entry that is not of kortd',
  out_of_reach: 'a sandbox, in which the cards cannot be reached',
};

/** p11-kit's file is what the others go by. */
async function noticeStranded(flags: ProgramFlags): Promise<void> {
  const setups = programSetups(thisMachine(), addressOf(await socketOf(flags)));
  const isEnabled = ({ state }: Place): boolean => state === 'enabled';
  if (setups.p11Kit.places().some(isEnabled)) return;
  const stranded = Object.values(setups).filter((setup) => setup.places().some(isEnabled));
  if (stranded.length === 0) return;
  const names = stranded.map(({ name }) => name).join('; ');
  printBoth({
    en: `Still enabled, and finding no cards without p11-kit: ${names}.`,
    sv: `Fortfarande aktiverat, men hittar inga kort utan p11-kit: ${names}.`,
  });
}

function printBoth({ en, sv }: Texts): void {
  printNotice(en);
  printNotice(sv);
}

function printJson(value: unknown): void {
  printResult(JSON.stringify(value, undefined, 2));
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // no daemon, or none that this user may reach
  } finally {
    socket.destroy();
  }
}

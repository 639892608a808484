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
  const setups = await chosen(flags);
  const socket = await socketOf(flags);
  const address = addressOf(socket);
  const isListening = await answers(socket);
  const statuses = setups.map(statusOf);
  if (flags.json) {
    const programs = statuses.map(({ id, isInstalled, places, problem }) => [
      id,
      { isInstalled, places, ...(problem ? { problem: problem.problem } : {}) },
    ]);
    printJson({ address, isListening, programs: Object.fromEntries(programs) as object });
  } else {
    printResult(`address: ${address} (${isListening ? 'kortd listens' : 'nobody listens'})`);
    for (const status of statuses) printResult(describeStatus(status));
  }
  refuse(statuses.flatMap(({ problem }) => problem ?? []));
}

interface ProgramStatus extends Pick<ProgramSetup, 'id' | 'name'> {
  readonly isInstalled: boolean;
  readonly places: readonly Place[];
  /** Why its places cannot be told. */
  readonly problem?: SetupError;
}

/** What cannot be told of one program holds up no other. */
function statusOf(setup: ProgramSetup): ProgramStatus {
  const { id, name } = setup;
  const isInstalled = setup.isInstalled();
  try {
    return { id, name, isInstalled, places: setup.places() };
  } catch (error) {
    if (error instanceof SetupError) return { id, name, isInstalled, places: [], problem: error };
    throw error;
  }
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
  const problems: Error[] = [];
  for (const setup of setups) {
    try {
      const { changes, notices } = await action.act(setup);
      done.push([setup.id, changes]);
      if (!flags.json) for (const line of action.describe(setup, changes)) printResult(line);
      notices.forEach(printBoth);
    } catch (error) {
      problems.push(error instanceof Error ? error : new Error(`setting up ${setup.name}`, { cause: error }));
      if (action.isStoppedByFirst && setup === setups[0]) break;
    }
  }
  if (flags.json) printJson(Object.fromEntries(done));
  refuse(problems);
}

/** Says all, and throws the first. */
function refuse([first, ...others]: readonly Error[]): void {
  for (const { message } of others) printNotice(`kortd: ${message}`);
  if (first === undefined) return;
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

function describeStatus({ name, isInstalled, places, problem }: ProgramStatus): string {
  if (problem) return `${name}: not known`;
  if (places.every(({ state }) => state === 'absent') && !isInstalled) return `${name}: not installed`;
  const lines = places.map(({ state, path }) => `${STATES[state]} (${path})`);
  return `${name}: ${lines.join(`\n${' '.repeat(name.length + 2)}`)}`;
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
  const isEnabled = (setup: ProgramSetup): boolean => statusOf(setup).places.some(({ state }) => state === 'enabled');
  if (isEnabled(setups.p11Kit)) return;
  const stranded = Object.values(setups).filter(isEnabled);
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

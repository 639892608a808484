/**
 * OpenSSH's client: `PKCS11Provider` (ssh_config(5)). As root a file of its own among the system's; for one user a marked block at the end of ~/.ssh/config.
 * The end, because ssh takes the first value that it finds: whatever the person wrote, for some host or for all, stays in force. `Match all` ends
 * the host before it. ssh loads the module for each connection, and asks for a PIN only when a server knows a key of a card.
 *
 * ssh-agent reads no such file, and takes modules under /usr/lib alone unless told otherwise (ssh-agent(1), -P): the person adds the module to it.
 */
import { join } from 'node:path';
import { SetupError } from './errors.ts';
import { readIfThere, removeFile, writeText, type NewFile, type TextEncoding } from './files.ts';
import { findLibrary, isInstalled, requireLibrary, type Machine } from './machine.ts';
import { isProxy } from './nss-module.ts';
import type { Changes, PlaceState, ProgramSetup } from './program-setup.ts';

const BEGIN = '# kortd begin: written by "kortd pkcs11 enable --ssh"; "kortd pkcs11 disable --ssh" takes it away.';
const END = '# kortd end';
const BLOCK = new RegExp(`(^|\\n)${escaped(BEGIN)}\\n([^]*?)\\n${escaped(END)}(\\n|$)`);

/** People write comments as they like: what is not ASCII is left as it is. */
const ENCODING: TextEncoding = 'latin1';
const read = (path: string): string | undefined => readIfThere(path, ENCODING);

export function sshSetup(machine: Machine): ProgramSetup {
  const { isRoot } = machine;
  const path = isRoot ? join(machine.etc, 'ssh', 'ssh_config.d', 'kortd.conf') : join(machine.home, '.ssh', 'config');
  const file: NewFile = { mode: isRoot ? 0o644 : 0o600, isForAll: isRoot, encoding: ENCODING };
  return {
    id: 'ssh',
    name: 'OpenSSH',
    isInstalled: () => isInstalled(machine, ['ssh']),
    places: () => [{ path, state: stateOf(read(path), findLibrary(machine)) }],
    enable: () => enable(path, requireLibrary(machine), file),
    disable: () => ({ changes: [{ path, did: remove(path, file) ? 'disabled' : 'nothing' }], notices: [] }),
  };
}

function enable(path: string, library: string, file: NewFile): Changes {
  const notices = [agentNotice(library)];
  const state = stateOf(read(path), library);
  if (state === 'enabled' || state === 'other_name') return { changes: [{ path, did: 'nothing' }], notices };
  if (state === 'foreign') throw damaged(path);
  if (state === 'other_address') remove(path, file);
  writeText(path, withBlock(read(path), library), file);
  return { changes: [{ path, did: 'enabled' }], notices };
}

/** True when it was there. */
function remove(path: string, file: NewFile): boolean {
  const text = read(path);
  if (text === undefined || !BLOCK.test(text)) return false;
  const rest = withoutBlock(text);
  const wasMade = rest === '' && text.endsWith('\n');
  if (wasMade) removeFile(path);
  else writeText(path, rest, file);
  return true;
}

/** A text that did not end its last line, or that has none, does not end it afterwards either: so is it known what to put back. */
function withBlock(text: string | undefined, library: string): string {
  const block = [BEGIN, 'Match all', `  PKCS11Provider ${library}`, END].join('\n');
  if (text === undefined || text.endsWith('\n')) return `${text ?? ''}${block}\n`;
  return text === '' ? block : `${text}\n${block}`;
}

function withoutBlock(text: string): string {
  return text.replace(BLOCK, (_, before: string, __, after: string) => (after === '' ? '' : before));
}

function stateOf(text: string | undefined, library: string | undefined): PlaceState {
  if (text === undefined) return 'absent';
  const [, , block] = BLOCK.exec(text) ?? [];
  if (block === undefined) {
    if (text.includes(BEGIN)) return 'foreign';
    return providersIn(text).some(isProxy) ? 'other_name' : 'absent';
  }
  return providersIn(block).includes(library ?? '') ? 'enabled' : 'other_address';
}

function providersIn(text: string): readonly string[] {
  return [...text.matchAll(/^\s*PKCS11Provider[\s=]+"?([^"\s]+)/gim)].map(([, path = '']) => path);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function agentNotice(library: string): Changes['notices'][number] {
  return {
    en: `ssh-agent reads no configuration. To have it use the cards: ssh-add -s ${library}`,
    sv: `ssh-agent läser ingen konfiguration. För att den ska använda korten: ssh-add -s ${library}`,
  };
}

function damaged(path: string): SetupError {
  return new SetupError('foreign', {
    en: `changing ${path}: the block that kortd once wrote has lost its end ("${END}"). Take it away, then try again`,
    sv: `${path} kan inte ändras: blocket som kortd har skrivit saknar sitt slut ("${END}"). Ta bort det och försök igen`,
  });
}

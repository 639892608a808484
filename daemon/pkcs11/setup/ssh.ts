/**
 * OpenSSH's client: `PKCS11Provider` (ssh_config(5)). As root a file of its own among the system's; for one user a marked block at the end of ~/.ssh/config.
 * The end, because ssh takes the first value that it finds: whatever the person wrote, for some host or for all, stays in force. `Match all` ends
 * the host before it. ssh loads the module for each connection, and asks for a PIN only when a server knows a key of a card.
 *
 * ssh-agent reads no such file, and takes modules under /usr/lib alone unless told otherwise (ssh-agent(1), -P): the person adds the module to it.
 */
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError, withFile } from './errors.ts';
import { readIfThere } from './kept-file.ts';
import { findLibrary, isInstalled, requireLibrary, type Machine } from './machine.ts';
import { isProxy } from './nss-module.ts';
import type { Changes, PlaceState, ProgramSetup } from './program-setup.ts';

const BEGIN = '# kortd begin: written by "kortd pkcs11 enable --ssh"; "kortd pkcs11 disable --ssh" takes it away.';
const END = '# kortd end';
const BLOCK = new RegExp(`(^|\\n)${escaped(BEGIN)}\\n([^]*?)\\n${escaped(END)}(\\n|$)`);

export function sshSetup(machine: Machine): ProgramSetup {
  const path = machine.isRoot ? join(machine.etc, 'ssh', 'ssh_config.d', 'kortd.conf') : join(machine.home, '.ssh', 'config');
  return {
    id: 'ssh',
    name: 'OpenSSH',
    isInstalled: () => isInstalled(machine, ['ssh']),
    places: () => [{ path, state: stateOf(readIfThere(path), findLibrary(machine)) }],
    enable: () => enable(path, requireLibrary(machine)),
    disable: () => ({ changes: [{ path, did: remove(path) ? 'disabled' : 'nothing' }], notices: [] }),
  };
}

function enable(path: string, library: string): Changes {
  const notices = [agentNotice(library)];
  const state = stateOf(readIfThere(path), library);
  if (state === 'enabled' || state === 'other_name') return { changes: [{ path, did: 'nothing' }], notices };
  if (state === 'foreign') throw damaged(path);
  if (state === 'other_address') remove(path);
  withFile(path, () => {
    const folder = dirname(path);
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(path, withBlock(readIfThere(path), library), { mode: 0o600 });
    if (path.endsWith('.conf')) chmodSync(path, 0o644);
  });
  return { changes: [{ path, did: 'enabled' }], notices };
}

/** True when it was there. */
function remove(path: string): boolean {
  const text = readIfThere(path);
  if (text === undefined || !BLOCK.test(text)) return false;
  const rest = withoutBlock(text);
  const wasMade = rest === '' && text.endsWith('\n');
  withFile(path, () => (wasMade ? rmSync(path) : writeFileSync(path, rest)));
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

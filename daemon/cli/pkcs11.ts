/** `kortd pkcs11 …`: how native programs get at the desk's cards, through p11-kit. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PKCS11_FILE } from '../data-folder.ts';
import {
  moduleFilePath,
  ModuleFileError,
  readModuleFile,
  removeModuleFile,
  serverAddress,
  writeModuleFile,
} from '../pkcs11/module-file.ts';
import { printNotice, printResult } from './output.ts';
import { UsageError } from './usage-error.ts';

export interface Pkcs11Flags {
  readonly dataDir: string;
  readonly json?: true;
}

/** For P11_KIT_SERVER_ADDRESS, and nothing else. */
export function runPkcs11Address({ dataDir }: Pkcs11Flags): void {
  printResult(told(() => serverAddress(dataDir)));
}

export function runPkcs11Enable({ dataDir }: Pkcs11Flags): void {
  const path = moduleFilePath();
  told(() => writeModuleFile(path, serverAddress(dataDir)));
  printResult(`p11-kit: enabled by ${path}`);
  printNotice('Programs that go through p11-kit find the cards when they are next started.');
}

export function runPkcs11Disable(): void {
  const path = moduleFilePath();
  const wasThere = told(() => removeModuleFile(path));
  printResult(wasThere ? `p11-kit: disabled, ${path} is gone` : 'p11-kit: it was not enabled');
}

export async function runPkcs11Status({ dataDir, json }: Pkcs11Flags): Promise<void> {
  const path = moduleFilePath();
  const address = told(() => serverAddress(dataDir));
  const file = readModuleFile(path);
  const state = file.state === 'enabled' && file.address !== address ? ('other_address' as const) : file.state;
  const isListening = await answers(join(dataDir, PKCS11_FILE));
  if (json) {
    printResult(JSON.stringify({ address, isListening, p11Kit: { state, path } }, undefined, 2));
    return;
  }
  printResult(`address: ${address} (${isListening ? 'kortd listens' : 'nobody listens'})`);
  printResult(`p11-kit: ${STATES[state]} (${path})`);
}

const STATES = {
  absent: 'not enabled',
  enabled: 'enabled',
  foreign: 'a file that is not of kortd is in the way',
  other_address: 'enabled, for another data folder',
} as const;

function told<R>(work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (error instanceof ModuleFileError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
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

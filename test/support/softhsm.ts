/** Tokens of SoftHSM 2 in a folder of their own: a vendor's module that is software all through, for tests and figures. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModuleConfiguration } from '../../drivers/pkcs11/configuration.ts';
import { runTool } from './run-tool.ts';

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';

export interface SoftHsm extends AsyncDisposable {
  readonly folder: string;
  /** The module, finding its tokens by its environment. */
  readonly configuration: ModuleConfiguration;
  /** For programs that load it themselves. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs a program, pkcs11-tool or softhsm2-util, on these tokens. */
  run(command: string, parameters: readonly string[]): Promise<string>;
}

export interface TokenSetup {
  readonly label: string;
  readonly pin: string;
  readonly officerPin: string;
}

export const TOKEN: TokenSetup = { label: 'bench', pin: '123456', officerPin: '87654321' };

/** Makes the folder and these tokens in it; it goes when this is disposed of. */
export async function createSoftHsm(tokens: readonly TokenSetup[] = [TOKEN]): Promise<SoftHsm> {
  const hsm = await makeFolder();
  for (const { label, pin, officerPin } of tokens)
    await hsm.run('softhsm2-util', ['--init-token', '--free', '--label', label, '--pin', pin, '--so-pin', officerPin]);
  return hsm;
}

/** The same tokens with all that is on them now, in a folder of their own. */
export async function copySoftHsm({ folder }: SoftHsm): Promise<SoftHsm> {
  const copy = await makeFolder();
  await cp(tokensOf(folder), tokensOf(copy.folder), { recursive: true });
  return copy;
}

/**
 * SoftHSM writes a token's own file anew at every login, in its place: whoever kills it in the middle of that has no token any more. Returns what puts the file back as
 * it is now; to be called when the process is gone and before the next one looks.
 */
export function keepTokens({ folder }: SoftHsm): () => void {
  const files = readdirSync(tokensOf(folder)).map((token) => join(tokensOf(folder), token, 'token.object'));
  const kept = files.map((file) => ({ file, bytes: readFileSync(file) }));
  return () => {
    for (const { file, bytes } of kept) writeFileSync(file, bytes);
  };
}

function tokensOf(folder: string): string {
  return join(folder, 'tokens');
}

async function makeFolder(): Promise<SoftHsm> {
  const folder = await mkdtemp(join(tmpdir(), 'kortd-softhsm-'));
  await mkdir(tokensOf(folder));
  const file = join(folder, 'softhsm2.conf');
  await writeFile(file, `directories.tokendir = ${tokensOf(folder)}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const environment = { SOFTHSM2_CONF: file };
  return {
    folder,
    configuration: { name: 'softhsm', path: MODULE, sha256: await sha256Of(MODULE), environment },
    environment,
    run: (command, parameters) => runTool(command, parameters, environment),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

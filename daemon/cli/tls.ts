/** `kortd tls enable`, `disable` and `status`: the certificate for https on loopback, and who trusts it. */
import { CallError, ConnectionError } from '../../api-spec/client/client.ts';
import { timeLeft } from '../../api-spec/time-left.ts';
import { DataFolderError } from '../data-folder.ts';
import { connectToDaemon } from './connect-to-daemon.ts';
import { TlsFilesError } from '../tls/errors.ts';
import { isTrustedInNss, nssDatabaseFolder, NssDatabaseError, trustInNss, untrustInNss } from '../tls/nss-database.ts';
import {
  disableTls,
  enableTls,
  readAuthority,
  tlsStatus,
  type AuthorityFile,
  type Enabled,
  type TlsStatus,
} from '../tls/tls-folder.ts';
import { trustCommands, type TrustStep } from '../tls/trust-commands.ts';
import { dayOf } from '../tls/validate.ts';
import { printNotice, printResult } from './output.ts';

interface TlsFlags {
  readonly dataDir: string;
  readonly json?: true;
}

export interface EnableFlags extends TlsFlags {
  /** Make a new authority even if the old one is good. */
  readonly renew?: true;
  /** Put it into the user's NSS database. */
  readonly trust?: true;
}

export interface DisableFlags extends TlsFlags {
  /** Take it out of the user's NSS databases again. */
  readonly untrust?: true;
}

/** What became of the daemon that serves with the files. */
export type Reload = 'reloaded' | 'not_running' | 'restart_needed';

type TlsOn = Extract<TlsStatus, { readonly state: 'ready' | 'renewal_advised' }>;
type NssState = 'yes' | 'no' | 'unknown';

export async function runTlsEnable(flags: EnableFlags): Promise<void> {
  if (flags.trust) requireNss();
  const enabled = await inBothLanguages(() => enableTls(flags.dataDir, { now: new Date(), renew: flags.renew ?? false }));
  const { authority } = enabled.files;
  const daemon = enabled.isNew ? await reloadIfRunning(flags.dataDir) : undefined;
  const result = {
    authority: jsonOf(authority),
    expires: enabled.files.expires,
    isNew: enabled.isNew,
    ...(daemon ? { daemon } : {}),
  };
  if (flags.json) printJson(result);
  else describeEnabled(enabled);
  if (daemon) noticeReload(daemon);
  if (flags.trust) await trust(authority, enabled.replaced);
  else if (!flags.json) describeTrust(authority);
  if (!flags.trust && enabled.replaced) await noticeStillTrusted(enabled.replaced);
}

export async function runTlsDisable(flags: DisableFlags): Promise<void> {
  const authority = readAuthority(flags.dataDir);
  // First, so that it can be tried again when it fails: afterwards nobody knows the name any more.
  const untrusted = flags.untrust ? await untrust(authority) : [];
  const wasEnabled = disableTls(flags.dataDir);
  const daemon = wasEnabled ? await reloadIfRunning(flags.dataDir) : undefined;
  if (flags.json) printJson({ wasEnabled, untrusted, ...(daemon ? { daemon } : {}) });
  else printResult(wasEnabled ? 'TLS is off; the certificate and its key are deleted.' : 'TLS was off already.');
  if (daemon) noticeReload(daemon);
  if (authority && !flags.untrust) await noticeStillTrusted(authority);
}

/** Throws TlsFilesError when the files are of no use. */
export async function runTlsStatus(flags: TlsFlags): Promise<void> {
  const status = tlsStatus(flags.dataDir, { now: new Date() });
  if (status.state === 'unusable') {
    const { problem, message, sv } = status.error;
    if (flags.json) printJson({ state: status.state, problem, en: message, sv });
    await inBothLanguages(() => Promise.reject(status.error));
  } else if (status.state === 'off') {
    if (flags.json) printJson(status);
    else printResult('TLS is off. Turn it on with: kortd tls enable');
  } else {
    const { state, authority, expires, daysLeft } = status;
    const trusted = await nssState(authority);
    if (flags.json) printJson({ state, authority: jsonOf(authority), expires, daysLeft, trustedByUser: trusted });
    else describeStatus(status, trusted);
  }
}

function describeStatus({ state, authority, expires }: TlsOn, trusted: NssState): void {
  const { unit, en } = timeLeft(expires, new Date());
  printResult(`TLS is on until ${dayOf(expires)}${unit === 'date' ? '' : ` (${en})`}.`);
  if (state === 'renewal_advised')
    printResult('Renew soon: kortd tls enable --renew. That makes another authority, which must be trusted anew.');
  printAuthority(authority);
  if (trusted !== 'unknown')
    printResult(
      `  Chromium     ${trusted === 'yes' ? 'trusts it' : 'does not trust it'}, as far as this user's NSS database goes`,
    );
}

/** The daemon on this folder reads the TLS files anew. Without one there is nothing to do. */
export async function reloadIfRunning(dataDir: string): Promise<Reload> {
  try {
    const { client } = await connectToDaemon(dataDir);
    try {
      const { tlsPort } = await client.call('system.reload');
      if (tlsPort !== undefined) printNotice(`The running daemon serves https://localhost:${tlsPort} now.`);
      return 'reloaded';
    } finally {
      client.close();
    }
  } catch (error) {
    if (error instanceof DataFolderError) return 'not_running';
    if (error instanceof CallError || error instanceof ConnectionError) return 'restart_needed';
    throw error;
  }
}

function noticeReload(reload: Reload): void {
  if (reload === 'restart_needed')
    printNotice(
      'The running daemon could not be told. Restart kortd for this to take effect. / Starta om kortd för att detta ska gälla.',
    );
}

function describeEnabled({ files, isNew }: Enabled): void {
  const until = `${dayOf(files.expires)}; kortd tls enable --renew makes a new one`;
  printResult(
    `TLS is ${isNew ? 'on' : 'on already'}, for https://localhost, https://127.0.0.1 and https://[::1], until ${until}.`,
  );
  printAuthority(files.authority);
}

function printAuthority({ name, path, fingerprint, expires }: AuthorityFile): void {
  const lines = [
    `  authority    ${name}, until ${dayOf(expires)}`,
    `  file         ${path}`,
    `  SHA-256      ${fingerprint.replaceAll(/(..)(?!$)/g, '$1:')}`,
  ];
  printResult(lines.join('\n'));
}

function describeTrust(authority: AuthorityFile): void {
  printResult('\nBrowsers must be told to trust it:');
  if (hasNss()) printResult('  Chromium, Chrome and Edge, for this user, done by kortd:\n    kortd tls enable --trust');
  for (const step of trustCommands(process.platform, authority, nssDatabaseFolder()).trust) printResult(describeStep(step));
}

function describeStep({ audience, commands }: TrustStep): string {
  return [`  ${audience}:`, ...commands.map((command) => `    ${command}`)].join('\n');
}

/** The one that it takes the place of is of no more use: its key is gone. */
async function trust(authority: AuthorityFile, replaced: AuthorityFile | undefined): Promise<void> {
  const folder = nssDatabaseFolder();
  await trustInNss(folder, authority);
  if (replaced) await untrustInNss(replaced);
  printNotice(`Chromium, Chrome and Edge of this user trust it (${folder}). Start them anew.`);
}

async function untrust(authority: AuthorityFile | undefined): Promise<readonly string[]> {
  requireNss();
  if (!authority) {
    printNotice(
      'There is no authority to take out: its file is missing or damaged. Look for names like "kortd localhost CA …" yourself.',
    );
    return [];
  }
  const folders = await untrustInNss(authority);
  for (const folder of folders) printNotice(`${authority.name} was taken out of ${folder}.`);
  if (folders.length === 0) printNotice(`${authority.name} was in no NSS database of this user.`);
  return folders;
}

async function noticeStillTrusted(authority: AuthorityFile): Promise<void> {
  const trusted = await nssState(authority);
  const { untrust: steps } = trustCommands(process.platform, authority, nssDatabaseFolder());
  const where = trusted === 'yes' ? ' It is still in the NSS database of this user.' : '';
  printNotice(`Wherever ${authority.name} was trusted, take it out again.${where}`);
  for (const step of steps) printNotice(describeStep(step));
}

/** Only what can be told without an administrator: the machine's policies and Firefox are not looked at. */
async function nssState(authority: AuthorityFile): Promise<NssState> {
  if (!hasNss()) return 'unknown';
  try {
    return (await isTrustedInNss(nssDatabaseFolder(), authority)) ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof NssDatabaseError) return 'unknown';
    throw error;
  }
}

function hasNss(): boolean {
  return process.platform === 'linux';
}

function requireNss(): void {
  if (!hasNss())
    throw new NssDatabaseError(
      'changing who is trusted: kortd does this on Linux only. Run the commands that kortd tls enable prints',
    );
}

function jsonOf({ path, name, fingerprint, serialNumber, expires }: AuthorityFile): Readonly<Record<string, unknown>> {
  return { name, path, fingerprint, serialNumber, expires };
}

function printJson(value: unknown): void {
  printResult(JSON.stringify(value, undefined, 2));
}

/** The program prints the English message of what is thrown. */
async function inBothLanguages<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TlsFilesError && process.stderr.isTTY) printNotice(error.sv);
    throw error;
  }
}

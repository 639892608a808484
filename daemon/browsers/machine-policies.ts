/**
 * Browser policies for every user of a Linux machine, as files: the web origins that may reach kortd without a question, and the authority of kortd's certificate. Chromium,
 * Chrome and Edge read every file of a folder, so each of ours is a file of its own; Firefox has one file for all of its policies, so ours are put into it, and what was put
 * there is written down, to be taken out again and nothing else.
 *
 * https://chromeenterprise.google/policies/ (LoopbackNetworkAllowedForUrls, CACertificates), https://mozilla.github.io/policy-templates/ (LocalNetworkAccess, Certificates).
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addToFirefox, takeFromFirefox, type FirefoxAdditions, type FirefoxPolicies } from './firefox-policies.ts';

/** Folders that Chromium's family reads. Sorted by name. */
export const MANAGED_FOLDERS = {
  chrome: '/etc/opt/chrome/policies/managed',
  chromium: '/etc/chromium/policies/managed',
  edge: '/etc/opt/edge/policies/managed',
} as const;
export const FIREFOX_FILE = '/etc/firefox/policies/policies.json';
/** Where everybody may read the authority: that of the data folder is the service's own. */
export const AUTHORITY_FILE = '/etc/kortd/localhost-ca.pem';
/** What is ours in files that are not. */
export const RECORD_FILE = '/etc/kortd/browser-policies.json';

const FILES = { origins: 'kortd.json', authority: 'kortd-tls.json' } as const;
/** Of a policy file; one of an office has a few thousand at most. */
const MAX_FILE_BYTES = 1_000_000;

/** For people: what could not be read or written. Nothing has been changed when it is thrown while looking. */
export class BrowserPolicyError extends Error {
  override readonly name = 'BrowserPolicyError';
}

export interface MachinePolicies {
  /** Of web pages, checked. */
  readonly origins: readonly string[];
  /** PEM of the authority that browsers are to trust. */
  readonly authority?: string;
}

export interface Outcome {
  /** Files that were written or taken away, as the machine calls them. */
  readonly files: readonly string[];
  /** Files of others that set the same policy: the browser heeds only one of them. */
  readonly rivals: readonly string[];
}

interface PolicyRecord {
  readonly firefox: FirefoxAdditions;
  /** Folders that were not there before, the outermost first. */
  readonly folders: readonly string[];
}

/** `root` is "/", or the folder of an image or a package. What was installed before is replaced. Throws BrowserPolicyError. */
export function installMachinePolicies(root: string, policies: MachinePolicies): Outcome {
  const certificate = policies.authority === undefined ? undefined : readCertificate(policies.authority);
  const earlier = readRecord(root);
  const own = takeFromFirefox(readFirefox(root), earlier?.firefox);
  const wanted = {
    hosts: [...new Set(policies.origins.map((origin) => new URL(origin).hostname))],
    certificates: certificate ? [AUTHORITY_FILE] : [],
  };
  const firefox = addToFirefox(own, wanted);
  if (earlier) removeFiles(root);
  const made: string[] = [];
  const files = new Map<string, string>();
  for (const folder of Object.values(MANAGED_FOLDERS)) {
    if (policies.origins.length > 0)
      files.set(`${folder}/${FILES.origins}`, jsonText({ LoopbackNetworkAllowedForUrls: policies.origins }));
    if (certificate)
      files.set(`${folder}/${FILES.authority}`, jsonText({ CACertificates: [certificate.raw.toString('base64')] }));
  }
  if (certificate) files.set(AUTHORITY_FILE, certificate.toString());
  files.set(FIREFOX_FILE, jsonText(firefox.policies));
  for (const file of [...files.keys(), RECORD_FILE]) makeFolders(root, dirname(file), made);
  const record: PolicyRecord = { firefox: firefox.additions, folders: [...(earlier?.folders ?? []), ...made] };
  // First of all: whatever is written after it can be taken back.
  writeWhole(root, RECORD_FILE, jsonText(record));
  for (const [file, text] of files) writeWhole(root, file, text);
  return { files: [...files.keys()], rivals: findRivals(root, policies) };
}

/** Everything that `installMachinePolicies` put there, and nothing else. Nothing is done where nothing was. Throws BrowserPolicyError. */
export function removeMachinePolicies(root: string): Outcome {
  const record = readRecord(root);
  if (!record) return { files: [], rivals: [] };
  const { policies, isEmpty } = takeFromFirefox(readFirefox(root), record.firefox);
  const files = removeFiles(root);
  if (existsSync(join(root, FIREFOX_FILE))) {
    if (isEmpty && record.firefox.isNew) rmSync(join(root, FIREFOX_FILE));
    else writeWhole(root, FIREFOX_FILE, jsonText(policies));
    files.push(FIREFOX_FILE);
  }
  rmSync(join(root, RECORD_FILE));
  for (const folder of [...record.folders].reverse()) removeEmpty(join(root, folder));
  return { files, rivals: [] };
}

function removeFiles(root: string): string[] {
  const ours = Object.values(MANAGED_FOLDERS).flatMap((folder) => Object.values(FILES).map((name) => `${folder}/${name}`));
  const found = [...ours, AUTHORITY_FILE].filter((file) => existsSync(join(root, file)));
  for (const file of found) rmSync(join(root, file));
  return found;
}

function findRivals(root: string, { origins, authority }: MachinePolicies): readonly string[] {
  const policies = [
    ...(origins.length > 0 ? ['LoopbackNetworkAllowedForUrls'] : []),
    ...(authority === undefined ? [] : ['CACertificates']),
  ];
  const ours: readonly string[] = Object.values(FILES);
  return Object.values(MANAGED_FOLDERS).flatMap((folder) => {
    const others = readdirSync(join(root, folder)).filter((name) => name.endsWith('.json') && !ours.includes(name));
    return others
      .filter((name) => policies.some((policy) => readFileSync(join(root, folder, name), 'utf8').includes(`"${policy}"`)))
      .map((name) => `${folder}/${name}`);
  });
}

function readFirefox(root: string): FirefoxPolicies | undefined {
  return readJson<FirefoxPolicies>(root, FIREFOX_FILE, ({ policies }) => policies === undefined || isObject(policies));
}

function readRecord(root: string): PolicyRecord | undefined {
  return readJson<PolicyRecord>(root, RECORD_FILE, ({ firefox, folders }) => isObject(firefox) && Array.isArray(folders));
}

/** Undefined when there is none. */
function readJson<T extends object>(root: string, file: string, fits: (value: Partial<T>) => boolean): T | undefined {
  const path = join(root, file);
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, 'utf8');
  const refuse = (reason: string, cause?: unknown): never => {
    throw new BrowserPolicyError(`reading ${path}: ${reason}. Nothing was changed; mend the file and try again`, { cause });
  };
  if (text.length > MAX_FILE_BYTES) refuse('it is too long for a policy file');
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && fits(value) ? (value as T) : refuse('it is not what belongs there');
  } catch (error) {
    return error instanceof BrowserPolicyError ? refuse('it is not what belongs there') : refuse('it is no JSON', error);
  }
}

function readCertificate(pem: string): X509Certificate {
  try {
    const certificate = new X509Certificate(pem);
    if (!certificate.ca) throw new Error('it is none of an authority');
    return certificate;
  } catch (error) {
    throw new BrowserPolicyError(`reading the authority: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function makeFolders(root: string, folder: string, made: string[]): void {
  if (folder === '/' || existsSync(join(root, folder))) return;
  makeFolders(root, dirname(folder), made);
  mkdirSync(join(root, folder), { mode: 0o755 });
  made.push(folder);
}

function removeEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

/** A reader sees the old text or the new one. */
function writeWhole(root: string, file: string, text: string): void {
  const path = join(root, file);
  writeFileSync(`${path}.kortd-new`, text, { mode: 0o644 });
  renameSync(`${path}.kortd-new`, path);
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

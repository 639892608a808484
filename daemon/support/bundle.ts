/**
 * A support bundle: a zip of redacted files, with a manifest of their hashes and a page that says what is in it. The same contents make the same bytes: names are
 * sorted, and the archive holds no times of its own.
 */
import { createHash } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import type { Zippable } from 'fflate';
import { VERSION } from '../version.ts';
import type { Part } from './parts.ts';
import { createRedaction, type Redaction } from './redaction.ts';
import { traceForBundle } from './trace-part.ts';

export interface BundleFile {
  readonly name: string;
  readonly en: string;
  readonly sv: string;
  readonly bytes: Uint8Array;
}

export interface BundleOptions {
  readonly now: Date;
  readonly parts: readonly Part[];
  /** As `kortd trace` wrote it. */
  readonly trace?: string;
}

/** Part of a bundle when it is whole: 4 MB are days of a busy desk. */
const MAX_PART_BYTES = 4_194_304;
/** The earliest that a zip can tell (PKWARE APPNOTE 4.4.6), on every clock. */
const NO_TIME = new Date(1980, 0, 1);
const UNIX = 3;
const FILE_MODE = 0o100600;

/** Sorted by name. Throws TraceRefusedError. */
export function bundleFiles({ now, parts, trace }: BundleOptions): readonly BundleFile[] {
  const redaction = createRedaction();
  const files = parts.map((part) => fileOf(part, redaction));
  if (trace !== undefined)
    files.push({
      name: 'trace.txt',
      en: 'exchanges with cards, as kortd trace recorded and redacted them',
      sv: 'utbyten med kort, så som kortd trace spelade in och rensade dem',
      bytes: encode(traceForBundle(trace, redaction)),
    });
  const sorted = files.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  const readme = { name: 'README.txt', en: 'this list', sv: 'denna lista', bytes: encode(describeFiles(sorted)) };
  return [readme, manifestOf([readme, ...sorted], now), ...sorted].toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

function fileOf({ name, en, sv, content }: Part, redaction: Redaction): BundleFile {
  const text = `${JSON.stringify(redaction.value(content), undefined, 2)}\n`;
  const bytes = encode(text);
  const kept =
    bytes.length <= MAX_PART_BYTES ? bytes : encode(`${JSON.stringify({ unavailable: 'too large', bytes: bytes.length })}\n`);
  return { name, en, sv, bytes: kept };
}

function manifestOf(files: readonly BundleFile[], now: Date): BundleFile {
  const entries = files.map(({ name, bytes }) => ({
    name,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  const manifest = { format: 'kortd.support-bundle/1', version: VERSION, time: now.toISOString(), files: entries };
  return {
    name: 'manifest.json',
    en: 'the files and their hashes',
    sv: 'filerna och deras kontrollsummor',
    bytes: encode(`${JSON.stringify(manifest, undefined, 2)}\n`),
  };
}

/** In English, then in Swedish. */
export function describeFiles(files: readonly BundleFile[]): string {
  const width = Math.max(...files.map(({ name }) => name.length));
  const list = (language: 'en' | 'sv'): readonly string[] =>
    files.map((file) => `  ${file.name.padEnd(width)}  ${file[language]} (${file.bytes.length} bytes)`);
  return [
    'What is in this support bundle of kortd. Only words of kortd and of the system, short numbers and times are left as they are; everything',
    'else (names, numbers, origins, serial numbers, paths) has become name-1, number-1, text-1, the same for the same text in this bundle alone.',
    'Nothing was sent anywhere. Look at it before you send it.',
    ...list('en'),
    '',
    'Vad som finns i detta supportpaket från kortd. Bara ord från kortd och systemet, korta tal och tider står kvar; allt annat (namn, nummer,',
    'webbplatser, serienummer, sökvägar) har blivit name-1, number-1, text-1, samma för samma text i just detta paket.',
    'Inget har skickats någonstans. Titta på det innan du skickar det.',
    ...list('sv'),
    '',
  ].join('\n');
}

export async function zipFiles(files: readonly BundleFile[]): Promise<Uint8Array> {
  const { zipSync } = await import('fflate');
  const entries: Zippable = Object.fromEntries(
    files.map(({ name, bytes }) => [name, [bytes, { mtime: NO_TIME, os: UNIX, attrs: FILE_MODE * 0x1_0000 }] as const]),
  );
  return zipSync(entries, { level: 9 });
}

/** A new file that its owner alone can read; never in place of another. Throws what the system says. */
export function writeBundle(file: string, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    fchmodSync(descriptor, 0o600); // whatever the umask
    for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

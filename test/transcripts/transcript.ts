/**
 * Transcripts as text: `#` lines say what the exchange is, where it comes from and what was redacted; then `>` a command and `<` its response.
 * Bytes in [] are a card's own: another card answers others, as many. Bytes in {} are a card's own, and so is their number.
 */
import { readFileSync, readdirSync } from 'node:fs';

export interface TranscriptExchange {
  /** Hexadecimal, upper case. */
  readonly command: string;
  readonly response: string;
  /** What any card may answer. */
  readonly pattern: RegExp;
}

export interface Transcript {
  readonly name: string;
  /** What the first `#` line says. */
  readonly title: string;
  /** `# Name: value` lines. */
  readonly fields: ReadonlyMap<string, string>;
  readonly exchanges: readonly TranscriptExchange[];
}

/** Every transcript in this folder, by name. Throws SyntaxError for one that is not written as it should be. */
export function readTranscripts(): readonly Transcript[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.txt'))
    .map((file) => file.slice(0, -'.txt'.length))
    .sort()
    .map((name) => parseTranscript(name, readFileSync(`${import.meta.dirname}/${name}.txt`, 'utf8')));
}

export function parseTranscript(name: string, text: string): Transcript {
  const lines = text.split('\n').filter((line) => line !== '');
  const header = lines.filter((line) => line.startsWith('# ')).map((line) => line.slice(2));
  const body = lines.filter((line) => !line.startsWith('# '));
  const fields = new Map(
    header.slice(1).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const exchanges: TranscriptExchange[] = [];
  for (let index = 0; index < body.length; index += 2) {
    const [command, response] = [readLine(name, '>', body[index]), readLine(name, '<', body[index + 1])];
    exchanges.push({ command, response: response.replaceAll(/[[\]{}]/g, ''), pattern: toPattern(response) });
  }
  return { name, title: header[0] ?? '', fields, exchanges };
}

function readLine(name: string, mark: '>' | '<', line: string | undefined): string {
  const digits = line?.slice(1).replaceAll(' ', '') ?? '';
  const isWhole = /^([0-9A-F]{2}|[[\]{}])+$/.test(digits);
  if (!line?.startsWith(`${mark} `) || !isWhole)
    throw new SyntaxError(`reading ${name}: ${line ?? 'the end'} is no ${mark} line`);
  return digits;
}

function toPattern(response: string): RegExp {
  const anyNumber = response.replaceAll(/\{[0-9A-F]+\}/g, '(?:[0-9A-F]{2})+');
  return new RegExp(`^${anyNumber.replaceAll(/\[((?:[0-9A-F]{2})+)\]/g, (_, own: string) => `[0-9A-F]{${own.length}}`)}$`);
}

/**
 * Transcripts of PKCS #11 clients as text: `#` lines say which client, which command and what it is for; `= 1 1` begins a connection, with the version that the client
 * said and the one that it was answered; `> C_Login 0010 client` and the body in hexadecimal is a request, `<` an answer. Frames stand in the order in which they came.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { CALLS, CALL_NAMES, type CallName } from '../../../pkcs11-module/rpc/calls.ts';

export interface RecordedFrame {
  readonly side: 'answer' | 'request';
  readonly code: number;
  readonly options: Uint8Array;
  readonly body: Uint8Array;
}

export interface RecordedConnection {
  /** The first byte of the client, and of the answer. */
  readonly version: number;
  readonly answered: number;
  readonly frames: readonly RecordedFrame[];
}

export interface Transcript {
  /** What the first `#` line says. */
  readonly title: string;
  /** `# Name: value` lines. */
  readonly fields: ReadonlyMap<string, string>;
  readonly connections: readonly RecordedConnection[];
}

const ID_DIGITS = 8;

export function callNameOf(body: Uint8Array): CallName | undefined {
  const id = Buffer.from(body).readUInt32BE(0);
  return CALL_NAMES.find((name) => CALLS[name].id === id);
}

export function formatTranscript({ title, fields, connections }: Transcript): string {
  const lines = [`# ${title}`, ...[...fields].map(([name, value]) => `# ${name}: ${value}`)];
  for (const { version, answered, frames } of connections) {
    lines.push(`= ${version} ${answered}`);
    for (const frame of frames) lines.push(formatFrame(frame));
  }
  return `${lines.join('\n')}\n`;
}

function formatFrame({ side, code, options, body }: RecordedFrame): string {
  const hex = Buffer.from(body).toString('hex');
  const name = callNameOf(body) ?? 'error';
  const head = `${side === 'request' ? '>' : '<'} ${name} ${code.toString(16)}`;
  return side === 'request' ? `${head} ${new TextDecoder().decode(options)} ${hex}` : `${head} ${hex}`;
}

/** Every transcript in this folder, by name. Throws SyntaxError for one that is not written as it should be. */
export function readTranscripts(): ReadonlyMap<string, Transcript> {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.txt'));
  return new Map(files.sort().map((file) => [file.slice(0, -'.txt'.length), parseTranscript(file)]));
}

function parseTranscript(file: string): Transcript {
  const lines = readFileSync(`${import.meta.dirname}/${file}`, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const header = lines.filter((line) => line.startsWith('# ')).map((line) => line.slice(2));
  const fields = new Map(header.slice(1).map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
  const connections: { version: number; answered: number; frames: RecordedFrame[] }[] = [];
  for (const line of lines.filter((one) => !one.startsWith('# '))) {
    const [mark, ...words] = line.split(' ');
    if (mark === '=') connections.push({ version: Number(words[0]), answered: Number(words[1]), frames: [] });
    else connections.at(-1)?.frames.push(parseFrame(file, mark, words));
  }
  return { title: header[0] ?? '', fields, connections };
}

function parseFrame(file: string, mark: string | undefined, words: readonly string[]): RecordedFrame {
  const [, code = ''] = words;
  const [options, hex = ''] = mark === '>' ? [words[2] ?? '', words[3]] : ['', words[2]];
  const isFrame = (mark === '>' || mark === '<') && hex.length >= ID_DIGITS && /^([0-9a-f]{2})+$/.test(hex);
  if (!isFrame) throw new SyntaxError(`reading ${file}: a line begins with ${mark ?? 'nothing'} and is no frame`);
  return {
    side: mark === '>' ? 'request' : 'answer',
    code: Number.parseInt(code, 16),
    options: new TextEncoder().encode(options),
    body: new Uint8Array(Buffer.from(hex, 'hex')),
  };
}

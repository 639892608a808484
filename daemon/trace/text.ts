/** A trace as text, and back: see README.md for what is written how. Reading is total: any text gives a trace or a TraceTextError that names the line. */
import { isMethodName } from '../../api-spec/methods/index.ts';
import { STOP_REASONS, type StopReason, type Trace, type TraceEntry, type TraceEvent, type TraceHeader } from './entry.ts';
import { formatCall, parseCall } from './module-calls.ts';
import { NotationError, formatPieces, parsePieces, type Pieces } from './notation.ts';

export const FORMAT = 'kortd trace';
export const FORMAT_VERSION = 1;
/** Four times what a recorder writes. */
export const MAX_TRACE_BYTES = 64 * 1024 * 1024;
/** The longest command, in hexadecimal, and what stands behind it. */
const MAX_LINE = 160_000;
const MAX_ENTRIES = 1_000_000;
/** A card that a vendor's module alone can see. */
const NO_ATR = '-';

export class TraceTextError extends Error {
  override readonly name = 'TraceTextError';

  /** The message in Swedish: where it is wrong; what is wrong there stays as the parser says it, in brackets. */
  get sv(): string {
    const line = /^line (\d+): /.exec(this.message);
    return line ? `rad ${line[1]} är fel (${this.message.slice(line[0].length)})` : this.message;
  }
}

export function formatHeader({ version, platform, began, contents }: TraceHeader): string {
  const lines = [
    `${FORMAT} ${FORMAT_VERSION}`,
    `kortd: ${version}`,
    `platform: ${platform}`,
    `began: ${began}`,
    `contents: ${contents}`,
  ];
  return `${lines.join('\n')}\n\n`;
}

/** One line, or two for an exchange. */
export function formatEntry(entry: TraceEntry): string {
  if (entry.kind === 'call') return `${formatCall(entry)}\n`;
  if (entry.kind !== 'exchange') return `@ ${formatSeconds(entry.atMs)} ${formatEvent(entry)}\n`;
  const { command, response, problem, durationMs, onKeypad } = entry;
  const answer = response ? `< ${formatPieces(response)}` : `! ${problem ?? 'unknown'}`;
  return `> ${formatPieces(command)}${onKeypad ? ' ; keypad' : ''}\n${answer} ; ${Math.round(durationMs)} ms\n`;
}

function formatSeconds(atMs: number): string {
  return (atMs / 1000).toFixed(3);
}

function formatEvent(event: TraceEvent): string {
  switch (event.kind) {
    case 'reader':
      return `reader ${event.reader} ${event.source} "${event.name}"`;
    case 'card': {
      const details = [...(event.protocol === undefined ? [] : [event.protocol]), ...(event.extendedLength ? ['extended'] : [])];
      return [`card ${event.card} reader ${event.reader} atr ${formatPieces(event.atr) || NO_ATR}`, ...details].join(' ');
    }
    case 'begin':
      return `begin card ${event.card} for ${event.purpose}`;
    case 'end':
      return `end card ${event.card} ${event.how}`;
    case 'refused':
      return `refused card ${event.card} for ${event.purpose}: ${event.problem}`;
    case 'removed':
      return `removed card ${event.card}`;
    case 'stopped':
      return `stopped ${event.reason}`;
  }
}

/** Throws TraceTextError. */
export function parseTrace(text: string): Trace {
  if (text.length > MAX_TRACE_BYTES) throw new TraceTextError(`it has more than ${MAX_TRACE_BYTES} bytes`);
  const lines = new Lines(text);
  const header = parseHeader(lines);
  const entries: TraceEntry[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (line === '' || line.startsWith('#')) continue;
    if (entries.length === MAX_ENTRIES) throw lines.error(`more than ${MAX_ENTRIES} entries`);
    entries.push(parseEntry(lines, line));
  }
  return { header, entries };
}

class Lines {
  readonly #text: string;
  #at = 0;
  #number = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Without its end; undefined after the last. */
  next(): string | undefined {
    if (this.#at >= this.#text.length) return undefined;
    const found = this.#text.indexOf('\n', this.#at);
    const end = found === -1 ? this.#text.length : found;
    this.#number++;
    if (end - this.#at > MAX_LINE) throw this.error(`longer than ${MAX_LINE} characters`);
    const line = this.#text.slice(this.#at, end).replace(/\r$/, '');
    this.#at = end + 1;
    return line;
  }

  error(problem: string): TraceTextError {
    return new TraceTextError(`line ${this.#number}: ${problem}`);
  }
}

function parseHeader(lines: Lines): TraceHeader {
  const version = /^kortd trace (\d{1,4})$/.exec(lines.next() ?? '')?.[1];
  if (version === undefined) throw lines.error(`this is no trace of kortd: it does not begin with "${FORMAT} ${FORMAT_VERSION}"`);
  if (Number(version) !== FORMAT_VERSION)
    throw lines.error(`version ${version} of the format is not known to this kortd, which knows version ${FORMAT_VERSION}`);
  const field = (name: string, pattern: RegExp): string => {
    const line = lines.next() ?? '';
    const value = line.startsWith(`${name}: `) ? line.slice(name.length + 2) : undefined;
    if (value === undefined || !pattern.test(value)) throw lines.error(`"${name}: …" is missing or wrong`);
    return value;
  };
  const header = {
    version: field('kortd', /^[\w.+-]{1,40}$/),
    platform: field('platform', /^[\w-]{1,40}$/),
    began: field('began', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/),
    contents: field('contents', /^(?:redacted|whole)$/),
  };
  return { ...header, contents: header.contents === 'whole' ? 'whole' : 'redacted' };
}

function parseEntry(lines: Lines, line: string): TraceEntry {
  const mark = line.slice(0, 2);
  if (mark === '@ ') return parseEvent(lines, line.slice(2));
  const call = mark === '* ' ? parseCall(line) : undefined;
  if (call) return call;
  if (mark !== '> ') throw lines.error('neither an event (@), nor a command (>), nor a call of a module (*)');
  const [, command = '', onKeypad] = /^> ([^ ]+)( ; keypad)?$/.exec(line) ?? [];
  const pieces = readPieces(lines, command);
  const answer = lines.next();
  if (answer === undefined) throw lines.error('the trace ends before the answer to this command');
  const [, kind, body = '', ms = '0'] = /^([<!]) ([^ ]+)(?: ; (\d{1,9}) ms)?$/.exec(answer) ?? [];
  if (kind === undefined) throw lines.error('an answer (<) or a problem (!) belongs after a command');
  if (kind === '!' && !/^[a-z][a-z_]{0,63}$/.test(body)) throw lines.error('a problem is the code of an error');
  return {
    kind: 'exchange',
    command: pieces,
    ...(kind === '<' ? { response: requireStatusWord(lines, readPieces(lines, body)) } : { problem: body }),
    durationMs: Number(ms),
    ...(onKeypad === undefined ? {} : { onKeypad: true }),
  };
}

function readPieces(lines: Lines, text: string): Pieces {
  try {
    return parsePieces(text);
  } catch (error) {
    if (error instanceof NotationError) throw lines.error(error.message);
    throw error;
  }
}

function requireStatusWord(lines: Lines, response: Pieces): Pieces {
  const last = response.at(-1);
  if (last?.kind !== 'bytes' || last.bytes.length < 2) throw lines.error('an answer ends with its status word');
  return response;
}

const ID = '([1-9]\\d{0,5})';
/** A method, or what the desk does by itself. */
const PURPOSE = '([A-Za-z]{1,40}(?:\\.[A-Za-z]{1,40})?)';
const EVENT_FORMS = {
  reader: new RegExp(`^reader ${ID} ([a-z0-9:_-]{1,80}) "([^"\\p{Cc}]{0,200})"$`, 'u'),
  card: new RegExp(`^card ${ID} reader ${ID} atr ([^ ]{1,200})(?: (T=[01]))?( extended)?$`),
  begin: new RegExp(`^begin card ${ID} for ${PURPOSE}$`),
  end: new RegExp(`^end card ${ID} (cut|kept|reset)$`),
  refused: new RegExp(`^refused card ${ID} for ${PURPOSE}: ([a-z][a-z_]{0,63})$`),
  removed: new RegExp(`^removed card ${ID}$`),
  stopped: new RegExp(`^stopped (${STOP_REASONS.join('|')})$`),
};

function parseEvent(lines: Lines, text: string): TraceEvent {
  const [, seconds, rest = ''] = /^(\d{1,9}\.\d{3}) (.*)$/.exec(text) ?? [];
  if (seconds === undefined) throw lines.error('an event begins with its time, in seconds');
  const atMs = Math.round(Number(seconds) * 1000);
  const kind = rest.slice(0, rest.indexOf(' '));
  const form = Object.hasOwn(EVENT_FORMS, kind) ? EVENT_FORMS[kind as keyof typeof EVENT_FORMS] : undefined;
  const found = form?.exec(rest);
  if (!found) throw lines.error('no event that is known');
  const [, one = '', two = '', three = '', four, five] = found;
  switch (kind as keyof typeof EVENT_FORMS) {
    case 'reader':
      return { kind: 'reader', atMs, reader: Number(one), source: two, name: three };
    case 'card':
      return {
        ...{ kind: 'card', atMs, card: Number(one), reader: Number(two), atr: three === NO_ATR ? [] : readPieces(lines, three) },
        ...(four === undefined ? {} : { protocol: four }),
        extendedLength: five !== undefined,
      };
    case 'begin':
      return { kind: 'begin', atMs, card: Number(one), purpose: two };
    case 'end':
      return { kind: 'end', atMs, card: Number(one), how: two === 'cut' || two === 'reset' ? two : 'kept' };
    case 'refused':
      return { kind: 'refused', atMs, card: Number(one), purpose: two, problem: three };
    case 'removed':
      return { kind: 'removed', atMs, card: Number(one) };
    case 'stopped':
      return { kind: 'stopped', atMs, reason: STOP_REASONS.find((reason): reason is StopReason => reason === one) ?? 'asked' };
  }
}

/** The method of whoever has the card, and nothing of who it is: "card.read of …". */
export function purposeOf(taker: string | undefined): string {
  if (taker === undefined) return 'identify';
  const [word = ''] = taker.split(' ', 1);
  return isMethodName(word) || word === 'look' ? word : 'program';
}

/**
 * A trace of exchanges with cards (`kortd trace`), as it may go into a support bundle. Its recorder has hidden what is a person's; here it is held against the form that a
 * redacted trace has, line by line, so that no other file goes out under its name. Comments and names of readers are a person's to write, and are redacted.
 */
import { parseCall } from '../trace/module-calls.ts';
import type { Redaction } from './redaction.ts';

/** For people: why it is not taken. */
export class TraceRefusedError extends Error {
  override readonly name = 'TraceRefusedError';
  /** The message in Swedish. */
  readonly sv: string;

  constructor(message: string, sv: string) {
    super(message);
    this.sv = sv;
  }
}

/** As many as recorders write in one file, and some. */
export const MAX_TRACE_BYTES = 16 * 1_048_576 + 65_536;

const HEADER = /^kortd trace 1$/;
const HEADER_LINE = /^(kortd: [\d.]{1,20}|platform: [a-z0-9]+-[a-z0-9]+|began: [\d:.TZ-]{20,30}|contents: (redacted|whole))$/;
/** VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, ENABLE and DISABLE VERIFICATION (ISO/IEC 7816-4): nothing but four bytes may stand of them. */
const PIN_COMMAND = /^> [0-9A-F]{2}(20|24|2C|26|28)(?![0-9A-F]{4}(?: |$|\{\*\}))/;
const PIECE = String.raw`(?:[0-9A-F]{2}|\{(?:\*|\d+)(?:\+\d+)?(?::\d+[a-z]?)?\})`;
const COMMAND = new RegExp(`^> ${PIECE}+( ; keypad)?$`);
const ANSWER = new RegExp(`^(< ${PIECE}+|! [a-z_]{1,40})( ; \\d{1,9} ms)?$`);
const EVENT = /^@ \d{1,7}\.\d{3} [a-z]+(?: (?:"[^"]{0,200}"|[A-Za-z0-9=.:_{}*+-]{1,200}))*$/;

/** What an event tells, and what of that is only its form: times, short numbers, an ATR, a protocol. */
const TOLD = /"[^"]*"|[^ ]+/g;
const HARMLESS = new RegExp(`^(@|\\d{1,7}\\.\\d{3}|\\d{1,3}|T=\\d|3[BF]${PIECE}*)$`);

/** Throws TraceRefusedError. */
export function traceForBundle(text: string, redaction: Redaction): string {
  const lines = text.split('\n');
  if (!HEADER.test(lines[0] ?? ''))
    throw new TraceRefusedError('it does not begin as a trace of kortd does', 'den börjar inte som en inspelning av kortd gör');
  if (lines.includes('contents: whole'))
    throw new TraceRefusedError(
      'it was recorded whole; only redacted traces are sent on',
      'den spelades in i sin helhet; bara maskerade inspelningar skickas vidare',
    );
  return lines.map((line, index) => (index === 0 ? line : lineForBundle(line, { number: index + 1, redaction }))).join('\n');
}

interface Place {
  readonly number: number;
  readonly redaction: Redaction;
}

function lineForBundle(line: string, { number, redaction }: Place): string {
  if (line === '' || HEADER_LINE.test(line)) return line;
  if (line.startsWith('#')) return '#';
  if (PIN_COMMAND.test(line))
    throw new TraceRefusedError(
      `line ${number}: more stands of a PIN command than its header`,
      `rad ${number}: av ett PIN-kommando finns mer än huvudet`,
    );
  if (COMMAND.test(line) || ANSWER.test(line) || parseCall(line)) return line;
  if (EVENT.test(line)) return line.replaceAll(TOLD, (told) => (HARMLESS.test(told) ? told : redaction.text(told)));
  throw new TraceRefusedError(`line ${number} is none of a trace`, `rad ${number} hör inte till en inspelning`);
}

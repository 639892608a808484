/** A command in words: its instruction, what it is about, and what came of it, for people who read a trace. */
import { formatHex } from '../../apdu/bytes.ts';
import { describeStatusWord, formatStatusWord } from '../../apdu/iso7816/status-word.ts';
import type { TraceExchange } from './entry.ts';
import { lengthOf, type Pieces } from './notation.ts';
import { INSTRUCTIONS, PIV_INSTRUCTIONS } from './whitelist.ts';

const CLA_PROPRIETARY = 0x80;
const CLA_CHAINING = 0x10;
const CLA_SECURE_MESSAGING = 0x0c;
const P1_BY_DF_NAME = 0x04;
const P1_SHORT_IDENTIFIER = 0x80;

/** Data objects of PIV (NIST SP 800-73-5 part 1, table 3), by their tags. */
const PIV_OBJECTS: ReadonlyMap<string, string> = new Map([
  ['5C015E', 'application property template'],
  ['5C017E', 'discovery object'],
  ['5C035FC101', 'certificate 9E'],
  ['5C035FC102', 'CHUID'],
  ['5C035FC105', 'certificate 9A'],
  ['5C035FC107', 'card capability container'],
  ['5C035FC109', 'printed information'],
  ['5C035FC10A', 'certificate 9C'],
  ['5C035FC10B', 'certificate 9D'],
  ['5C035FC10C', 'key history'],
]);
const APPLICATION_NAMES: readonly (readonly [string, string])[] = [
  ['A000000308', 'PIV'],
  ['A000000063504B43532D3135', 'PKCS #15'],
  ['E828BD080F', 'ISO/IEC 7816-15'],
  ['A0000002471001', 'eMRTD'],
];

/** "READ BINARY at 256", "SELECT PIV", "VERIFY PIN 80, hidden". */
export function describeCommand(command: Pieces): string {
  const start = command[0]?.kind === 'bytes' ? command[0].bytes : undefined;
  const [cla, ins, p1 = 0, p2 = 0] = start ?? [];
  if (!start || cla === undefined || ins === undefined) return 'no command that is known';
  const rule = cla & CLA_PROPRIETARY ? undefined : (INSTRUCTIONS.get(ins) ?? PIV_INSTRUCTIONS.get(ins));
  const name = rule?.name ?? `instruction ${formatHex(Uint8Array.of(ins))} of the card’s own`;
  const about = rule ? describeParameters({ ins, p1, p2 }, start, command) : '';
  const marks = [
    ...(cla & CLA_CHAINING && !(cla & 0x40) ? ['to be continued'] : []),
    ...(!(cla & CLA_PROPRIETARY) && cla & CLA_SECURE_MESSAGING ? ['secure messaging'] : []),
    ...(command.some(({ kind }) => kind === 'rest') ? ['hidden'] : []),
  ];
  return [`${name}${about}`, ...marks].join(', ');
}

function describeParameters(
  { ins, p1, p2 }: { readonly ins: number; readonly p1: number; readonly p2: number },
  start: Uint8Array,
  command: Pieces,
): string {
  const data = command.length === 1 ? formatHex(start.subarray(5)) : '';
  switch (ins) {
    case 0xa4:
      return p1 === P1_BY_DF_NAME ? ` ${nameOfApplication(data)}` : ` file ${formatHex(start.subarray(5, 5 + (start[4] ?? 0)))}`;
    case 0xb0:
      return p1 & P1_SHORT_IDENTIFIER ? ` of file ${p1 & 0x1f} at ${p2}` : ` at ${(p1 << 8) | p2}`;
    case 0xd6:
      return p1 & P1_SHORT_IDENTIFIER ? ` of file ${p1 & 0x1f} at ${p2}` : ` at ${(p1 << 8) | p2}`;
    case 0xb2:
      return ` ${p1}`;
    case 0xcb:
    case 0xdb:
      return describeObject(formatHex(start.subarray(start[4] === 0 ? 7 : 5)));
    case 0x20:
    case 0x24:
    case 0x2c:
      return ` ${formatHex(Uint8Array.of(p2))}`;
    case 0x47:
    case 0x87:
      return ` with key ${formatHex(Uint8Array.of(p2))}`;
    default:
      return '';
  }
}

function nameOfApplication(data: string): string {
  return APPLICATION_NAMES.find(([beginning]) => data.startsWith(beginning))?.[1] ?? (data === '' ? 'an application' : data);
}

function describeObject(data: string): string {
  const found = [...PIV_OBJECTS].find(([beginning]) => data.startsWith(beginning));
  return found ? ` ${found[1]}` : '';
}

/** "9000 success, 256 bytes". */
export function describeAnswer({ response, problem }: TraceExchange): string {
  const last = response?.at(-1);
  if (!response || last?.kind !== 'bytes') return `no answer: ${problem ?? 'unknown'}`;
  const [sw1 = 0, sw2 = 0] = last.bytes.subarray(-2);
  const statusWord = (sw1 << 8) | sw2;
  const lengthBytes = response.reduce((sum, piece) => sum + lengthOf(piece), 0) - 2;
  const amount = lengthBytes === 0 ? '' : `, ${lengthBytes} ${lengthBytes === 1 ? 'byte' : 'bytes'}`;
  return `${formatStatusWord(statusWord)} ${describeStatusWord(statusWord)}${amount}`;
}

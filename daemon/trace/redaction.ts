/**
 * What may be told of the exchanges of one transaction. An answer that comes in parts (GET RESPONSE), a command that goes in parts (chaining) and a file that is
 * read in parts are looked at as a whole, and so wait until the transaction is over; what carries a secret is never kept until then, not even its length where it is a PIN.
 */
import { concat, equalBytes } from '../../apdu/bytes.ts';
import { CommandApduError, parseCommandApdu, type CommandApdu } from '../../apdu/iso7816/command-apdu.ts';
import { maskDer } from './der-mask.ts';
import type { TraceContents, TraceExchange } from './entry.ts';
import { CurrentFile, FileAssembly } from './file-assembly.ts';
import { cutPieces, toPieces, type Pieces } from './notation.ts';
import { hidden, kept, secret, withoutPseudonyms, type Mask } from './run.ts';
import { maskTemplate, startsApplication } from './template-mask.ts';
import {
  INSTRUCTIONS,
  PIV_APPLICATION,
  PIV_INSTRUCTIONS,
  SECURE_MESSAGING,
  type InstructionRule,
  type Template,
} from './whitelist.ts';

const INS_SELECT = 0xa4;
const INS_GET_RESPONSE = 0xc0;
const P1_BY_DF_NAME = 0x04;
const SW1_BYTES_AVAILABLE = 0x61;
/** CLA (ISO/IEC 7816-4:2020, section 5.4.1, tables 2 and 3). */
const CLA_PROPRIETARY = 0x80;
const CLA_FURTHER = 0x40;
const CLA_CHAINING = 0x10;
const CLA_SECURE_MESSAGING = 0x0c;
const CLA_FURTHER_SECURE_MESSAGING = 0x20;
const INSTRUCTION_BYTES = 2;
const HEADER_BYTES = 4;
const STATUS_BYTES = 2;
/** GENERATE ASYMMETRIC KEY PAIR: what is asked for and the public key that is answered, also where the card is to be reset afterwards. */
const NEVER_SECRET: ReadonlySet<number> = new Set([0x46, 0x47]);
/** Identifiers of files, four levels deep. */
const MAX_FILE_PATH = 8;
/** A version, of three numbers. */
const MAX_KEPT_ANSWER = 3;
/** What waits to be looked at as a whole: all files of a card that is known here. */
const MAX_WAITING_BYTES = 0x4_0000;

export interface SeenExchange {
  readonly command: Uint8Array;
  readonly response?: Uint8Array;
  readonly problem?: string;
  readonly durationMs: number;
  readonly isSensitive: boolean;
  readonly onKeypad?: true;
}

export interface RedactionOptions {
  readonly contents: TraceContents;
  /** At the beginning of the transaction: the application of PIV is still selected. */
  readonly isPiv: boolean;
  readonly nameOf: (hidden: Uint8Array) => number;
  readonly onExchange: (exchange: TraceExchange) => void;
}

interface Part extends SeenExchange {
  readonly apdu: CommandApdu;
}

/** One command with its answer, in however many exchanges. */
interface Group {
  readonly first: CommandApdu;
  readonly parts: Part[];
  /** Of READ BINARY. */
  readonly read?: { readonly file: string; readonly offset: number };
}

type Item = { readonly told: TraceExchange } | { readonly part: Part; readonly group: Group };

export class Redaction {
  readonly #options: RedactionOptions;
  readonly #files = new CurrentFile();
  #items: Item[] = [];
  #waitingBytes = 0;
  /** To which a further part belongs. */
  #open: Group | undefined;
  #isPiv: boolean;

  constructor(options: RedactionOptions) {
    this.#options = options;
    this.#isPiv = options.isPiv;
  }

  /** Whether the application of PIV is the one selected. */
  get isPiv(): boolean {
    return this.#isPiv;
  }

  /** Keeps nothing of a command that carries a secret. The bytes are copied before this returns, where they are kept at all. */
  add(seen: SeenExchange): void {
    const apdu = parseOrNothing(seen.command);
    const open = apdu && this.#open && continues(this.#open, apdu) ? this.#open : undefined;
    // What is asked for after a command that carried no secret is its answer, whatever the card is to do afterwards.
    const isMore = open !== undefined && apdu?.ins === INS_GET_RESPONSE;
    if (!apdu || (!isMore && this.#isSecret(apdu, seen))) {
      this.#open = undefined;
      this.#items.push({ told: toExchange(seen, this.#secretPieces(apdu, seen)) });
      return;
    }
    const part: Part = { ...seen, ...copied(seen), apdu: { ...apdu, ...(apdu.data ? { data: apdu.data.slice() } : {}) } };
    const group = open ?? this.#begin(part.apdu);
    group.parts.push(part);
    this.#open = group;
    this.#items.push({ part, group });
    this.#waitingBytes += seen.command.length + (seen.response?.length ?? 0);
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.flush();
  }

  #begin(apdu: CommandApdu): Group {
    if (apdu.ins === INS_SELECT && apdu.p1 === P1_BY_DF_NAME) this.#isPiv = startsPiv(apdu.data);
    const read = this.#files.note(apdu);
    return { first: apdu, parts: [], ...(read ? { read } : {}) };
  }

  /** Tells everything: of files that were read in parts, what is in them as far as it was read. */
  flush(): void {
    const items = this.#items;
    this.#items = [];
    this.#waitingBytes = 0;
    this.#open = undefined;
    const groups = new Set(items.flatMap((item) => ('group' in item ? [item.group] : [])));
    const files = this.#options.contents === 'redacted' ? this.#assemble(groups) : new Map<Group, Pieces>();
    const pieces = new Map<Part, ExchangePieces>();
    for (const group of groups) this.#describe(group, files.get(group), pieces);
    for (const item of items)
      this.#options.onExchange('told' in item ? item.told : toExchange(item.part, pieces.get(item.part) ?? NOTHING));
  }

  /** The pieces of each answer that is part of a file. */
  #assemble(groups: ReadonlySet<Group>): ReadonlyMap<Group, Pieces> {
    const files = new FileAssembly<Group>();
    for (const group of groups) if (group.read) files.add(group, group.read, concat(...group.parts.map(answerOf)));
    const answers = new Map<Group, Pieces>();
    for (const file of files.all) {
      const whole = toPieces(file.bytes, maskDer(file.bytes) ?? hidden(file.bytes.length), this.#options.nameOf);
      for (const { reader, offset, lengthBytes } of file.reads)
        answers.set(reader, cutPieces(whole, [offset, lengthBytes])[1] ?? []);
    }
    return answers;
  }

  #describe(group: Group, answer: Pieces | undefined, into: Map<Part, ExchangePieces>): void {
    const { first, parts } = group;
    const commands = this.#piecesOf(parts.map(dataOf), (whole) => this.#dataMask(first, whole));
    const lengths = parts.map((part) => answerOf(part).length);
    const responses = answer
      ? cutPieces(answer, lengths)
      : this.#piecesOf(parts.map(answerOf), (whole) => this.#answerMask(first, whole));
    for (const [index, part] of parts.entries())
      into.set(part, { command: dress(part, commands[index] ?? []), response: responses[index] ?? [] });
  }

  #ruleOf({ cla, ins }: CommandApdu): InstructionRule | undefined {
    if (cla & CLA_PROPRIETARY) return undefined;
    return INSTRUCTIONS.get(ins) ?? (this.#isPiv ? PIV_INSTRUCTIONS.get(ins) : undefined);
  }

  /** Whether there may be a secret in it: by its instruction, because the sender says so, or because nobody here knows what it is. */
  #isSecret(apdu: CommandApdu, { isSensitive }: SeenExchange): boolean {
    const rule = this.#ruleOf(apdu);
    if (!rule) return true;
    if (rule.data === 'secret') return apdu.data !== undefined;
    if (isSecureMessaging(apdu.cla)) return isSensitive || this.#options.contents === 'redacted';
    return isSensitive && !NEVER_SECRET.has(apdu.ins);
  }

  #dataMask(apdu: CommandApdu, data: Uint8Array): Mask {
    if (this.#options.contents === 'whole') return kept(data.length);
    const rule = this.#ruleOf(apdu)?.data ?? 'hidden';
    if (rule === 'selection') return maskSelection(apdu, data);
    if (rule === 'hidden' || rule === 'secret') return hidden(data.length);
    return maskTemplate(data, rule) ?? hidden(data.length);
  }

  #answerMask(apdu: CommandApdu, answer: Uint8Array): Mask {
    if (this.#options.contents === 'whole') return kept(answer.length);
    const rule = this.#ruleOf(apdu)?.answer ?? 'hidden';
    if (rule === 'hidden') return hidden(answer.length);
    if (rule === 'kept') return answer.length <= MAX_KEPT_ANSWER ? kept(answer.length) : hidden(answer.length);
    return (rule === 'file' ? maskDer(answer) : maskTemplate(answer, rule)) ?? hidden(answer.length);
  }

  #piecesOf(parts: readonly Uint8Array[], mask: (whole: Uint8Array) => Mask): readonly Pieces[] {
    const whole = concat(...parts);
    return cutPieces(
      toPieces(whole, mask(whole), this.#options.nameOf),
      parts.map(({ length }) => length),
    );
  }

  /** Lengths stay but for those of PINs, and structure where it is known. */
  #secretPieces(apdu: CommandApdu | undefined, { command, response }: SeenExchange): ExchangePieces {
    const hide = (bytes: Uint8Array, template: Template | undefined): Pieces => {
      const mask = (template && maskTemplate(bytes, template)) ?? secret(bytes.length);
      return toPieces(bytes, withoutPseudonyms(mask), this.#options.nameOf);
    };
    const answer = response?.subarray(0, -STATUS_BYTES) ?? new Uint8Array();
    if (!apdu) return { command: [{ kind: 'rest' }], response: hide(answer, undefined) };
    const rule = this.#ruleOf(apdu);
    const isSecure = rule !== undefined && isSecureMessaging(apdu.cla);
    const [forData, forAnswer] = isSecure ? [SECURE_MESSAGING, SECURE_MESSAGING] : [rule?.data, rule?.answer];
    if (!isSecure && (!rule || rule.data === 'secret')) {
      // P1 and P2 of an unknown command mean nobody knows what.
      const start: Pieces = [{ kind: 'bytes', bytes: command.slice(0, rule ? HEADER_BYTES : INSTRUCTION_BYTES) }];
      return { command: [...start, { kind: 'rest' }], response: hide(answer, undefined) };
    }
    return {
      command: dress({ command, apdu }, hide(apdu.data ?? new Uint8Array(), templateIn(forData))),
      response: hide(answer, templateIn(forAnswer)),
    };
  }
}

interface ExchangePieces {
  readonly command: Pieces;
  /** Without the status word. */
  readonly response: Pieces;
}

const NOTHING: ExchangePieces = { command: [{ kind: 'rest' }], response: [] };

function toExchange({ response, problem, durationMs, onKeypad }: SeenExchange, pieces: ExchangePieces): TraceExchange {
  const statusWord = response?.slice(-STATUS_BYTES);
  return {
    kind: 'exchange',
    command: pieces.command,
    ...(statusWord ? { response: [...pieces.response, { kind: 'bytes', bytes: statusWord }] } : {}),
    ...(problem === undefined ? {} : { problem }),
    durationMs,
    ...(onKeypad ? { onKeypad } : {}),
  };
}

/** More of the same command or answer. */
function continues({ parts }: Group, apdu: CommandApdu): boolean {
  const last = parts.at(-1);
  if (!last) return false;
  if (apdu.ins === INS_GET_RESPONSE) return last.response?.at(-STATUS_BYTES) === SW1_BYTES_AVAILABLE;
  const isChained = (last.apdu.cla & CLA_CHAINING) !== 0 && (last.apdu.cla & CLA_FURTHER) === 0;
  return isChained && last.apdu.ins === apdu.ins && last.apdu.p1 === apdu.p1 && last.apdu.p2 === apdu.p2;
}

function startsPiv(name: Uint8Array | undefined): boolean {
  return (
    name !== undefined &&
    name.length >= 5 &&
    equalBytes(PIV_APPLICATION.subarray(0, name.length), name.subarray(0, PIV_APPLICATION.length))
  );
}

function parseOrNothing(command: Uint8Array): CommandApdu | undefined {
  try {
    return parseCommandApdu(command);
  } catch (error) {
    if (error instanceof CommandApduError) return undefined;
    throw error;
  }
}

function isSecureMessaging(cla: number): boolean {
  return (cla & (cla & CLA_FURTHER ? CLA_FURTHER_SECURE_MESSAGING : CLA_SECURE_MESSAGING)) !== 0;
}

function copied({ command, response }: SeenExchange): Pick<SeenExchange, 'command' | 'response'> {
  return { command: command.slice(), ...(response ? { response: response.slice() } : {}) };
}

function dataOf({ apdu }: Part): Uint8Array {
  return apdu.data ?? new Uint8Array();
}

function answerOf({ response }: Part): Uint8Array {
  return response?.subarray(0, -STATUS_BYTES) ?? new Uint8Array();
}

function templateIn(rule: InstructionRule['data'] | InstructionRule['answer'] | undefined): Template | undefined {
  return typeof rule === 'object' ? rule : undefined;
}

/** Header, Lc and Le around the data field, as they were sent. */
function dress({ command, apdu }: Pick<Part, 'command' | 'apdu'>, data: Pieces): Pieces {
  const lengthBytes = apdu.data?.length ?? 0;
  if (lengthBytes === 0) return [{ kind: 'bytes', bytes: command.slice() }];
  const start = command[HEADER_BYTES] === 0 ? HEADER_BYTES + 3 : HEADER_BYTES + 1;
  const le = command.slice(start + lengthBytes);
  return [
    { kind: 'bytes', bytes: command.slice(0, start) },
    ...data,
    ...(le.length > 0 ? [{ kind: 'bytes' as const, bytes: le }] : []),
  ];
}

/** Names of applications that are known, or the beginning of one; identifiers of files. */
function maskSelection({ p1 }: CommandApdu, data: Uint8Array): Mask {
  const isHarmless = p1 === P1_BY_DF_NAME ? startsApplication(data) : data.length <= MAX_FILE_PATH;
  return isHarmless ? kept(data.length) : hidden(data.length);
}

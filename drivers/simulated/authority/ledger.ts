/**
 * What an authority issued and revoked: in memory, or in a file of JSON Lines too, so that a restart knows it. A line is on the disk before the caller has its
 * answer; one that a power cut broke off is dropped, since nobody had an answer for it.
 */
import { open, type FileHandle } from 'node:fs/promises';
import Type, { type Static } from 'typebox';
import { SimulationFileError, withFile } from '../errors.ts';
import { check, parseJson } from '../schema.ts';
import { REASON_NAMES, type RevocationReason } from './reasons.ts';

const hex = Type.String({ pattern: '^[0-9a-f]{1,64}$' });
const time = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T[\\d:.]{8,12}Z$' });
const strict = { additionalProperties: false } as const;

const issuedSchema = Type.Object(
  {
    type: Type.Literal('issued'),
    serialNumber: hex,
    authority: Type.String(),
    profile: Type.String(),
    subject: Type.String(),
    use: Type.Union([Type.Literal('legitimering'), Type.Literal('underskrift')]),
    cardNumber: Type.Optional(Type.String()),
    notBefore: time,
    notAfter: time,
    issuedAt: time,
    requestFingerprint: hex,
    /** DER, base64. */
    certificate: Type.String(),
  },
  strict,
);
const revokedSchema = Type.Object(
  {
    type: Type.Literal('revoked'),
    serialNumber: hex,
    authority: Type.String(),
    reason: Type.Enum([...REASON_NAMES]),
    revokedAt: time,
  },
  strict,
);
const entrySchema = Type.Union([issuedSchema, revokedSchema]);

export type LedgerEntry = Static<typeof entrySchema>;
export type Issued = Omit<Static<typeof issuedSchema>, 'type'>;
export interface Revocation {
  readonly serialNumber: string;
  readonly authority: string;
  readonly reason: RevocationReason;
  readonly revokedAt: string;
}

/** 20,000 certificates and more. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

export interface Ledger extends AsyncDisposable {
  /** By serial number, in the order of issue. */
  readonly issued: ReadonlyMap<string, Issued>;
  /** In force, by serial number. */
  readonly revoked: ReadonlyMap<string, Revocation>;
  /** One after the other. */
  add(entry: LedgerEntry): Promise<void>;
}

/** Throws SimulationFileError for a file that holds something else; it is then left as it is. One process at a time. */
export async function openLedger(path?: string): Promise<Ledger> {
  const issued = new Map<string, Issued>();
  const revoked = new Map<string, Revocation>();
  const apply = (entry: LedgerEntry): void => {
    if (entry.type === 'issued') issued.set(entry.serialNumber, withoutType(entry));
    else if (entry.reason === 'removeFromCRL') revoked.delete(entry.serialNumber);
    else revoked.set(entry.serialNumber, withoutType(entry));
  };
  const file = path === undefined ? undefined : await openFile(path, apply);
  let last: Promise<void> = Promise.resolve();
  return {
    issued,
    revoked,
    add: (entry) => {
      const written = last.then(async () => {
        await file?.append(`${JSON.stringify(entry)}\n`);
        apply(entry);
      });
      last = written.catch(() => undefined);
      return written;
    },
    [Symbol.asyncDispose]: async () => {
      await last;
      await file?.close();
    },
  };
}

function withoutType<E extends LedgerEntry>({ type: _, ...rest }: E): Omit<E, 'type'> {
  return rest;
}

interface LineFile {
  /** On the disk when it resolves. When it rejects, nothing of it is in the file. */
  append(line: string): Promise<void>;
  close(): Promise<void>;
}

async function openFile(path: string, apply: (entry: LedgerEntry) => void): Promise<LineFile> {
  const file = await open(path, 'a+', 0o600);
  try {
    let sizeBytes = await readLines(file, apply);
    const append = async (line: string): Promise<void> => {
      try {
        await file.appendFile(line);
        await file.sync();
        sizeBytes += Buffer.byteLength(line);
      } catch (error) {
        // The disk may have taken a part of it: the next line must not follow that.
        await file.truncate(sizeBytes);
        throw error;
      }
    };
    return { append, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw withFile(error, `opening what the test authority issued (${path})`, path);
  }
}

/** Resolves with the size of the whole lines, after which the file ends. */
async function readLines(file: FileHandle, apply: (entry: LedgerEntry) => void): Promise<number> {
  const { size } = await file.stat();
  if (size > MAX_FILE_BYTES) throw new SimulationFileError(`it has ${size} bytes, more than ${MAX_FILE_BYTES}`);
  const text = await file.readFile('utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  for (const line of whole.split('\n')) if (line !== '') apply(check(entrySchema, parseJson(line)));
  const wholeBytes = Buffer.byteLength(whole);
  if (whole.length < text.length) await file.truncate(wholeBytes);
  return wholeBytes;
}

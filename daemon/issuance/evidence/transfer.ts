/**
 * A ceremony on its way from one desk to another: its journal so far in a CMS that the desk's seal signs. The desk that takes it over checks whose seal it is, that
 * the chain is whole, and that it has the same routine; then it goes on where the other stopped. Whoever exports has journalled so before, so that it goes on at one desk alone.
 */
import { createHash, type X509Certificate } from 'node:crypto';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { ApiError } from '../../errors.ts';
import { foldCeremony, type Ceremony } from '../ceremony.ts';
import type { Entry } from '../entry.ts';
import { brokenLink, type JournalEntry } from '../entry-chain.ts';
import type { Routine } from '../routine.ts';
import { fingerprintOf, type Seal } from './seal.ts';
import { readSeal } from './signers.ts';

const FORMAT = 'kortd-ceremony-transfer-1';
/** Forty steps with signatures, certificates and statements, many times over. */
export const MAX_TRANSFER_BYTES = 4 * 1024 * 1024;
const MAX_ENTRIES = 2_000;

const isTransfer = Compile(
  Type.Object(
    {
      format: Type.Literal(FORMAT),
      ceremony: Type.String({ pattern: '^ceremony-[0-9a-f-]{36}$' }),
      routine: Type.Object(
        {
          id: Type.String({ maxLength: 60 }),
          version: Type.Integer({ minimum: 1 }),
          digest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        { additionalProperties: false },
      ),
      entries: Type.Array(
        Type.Object(
          {
            number: Type.Integer({ minimum: 1 }),
            time: Type.String({ pattern: String.raw`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$` }),
            entry: Type.Object({ type: Type.String() }),
            hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
          },
          { additionalProperties: false },
        ),
        { minItems: 1, maxItems: MAX_ENTRIES },
      ),
    },
    { additionalProperties: false },
  ),
);

const ATTEMPT = 'taking over a ceremony';

function invalid(problem: string): ApiError {
  return new ApiError('transfer_invalid', `${ATTEMPT}: ${problem}`, { problem });
}

export interface Exported {
  readonly ceremony: Pick<Ceremony, 'id' | 'routine'>;
  /** All of them, the one that says that it was exported included. */
  readonly entries: readonly JournalEntry[];
}

/** Attached CMS, DER. */
export async function exportCeremony({ ceremony, entries }: Exported, seal: Pick<Seal, 'sign'>): Promise<Uint8Array> {
  const { id, routine } = ceremony;
  const content = {
    ...{ format: FORMAT, ceremony: id },
    routine: { id: routine.id, version: routine.version, digest: digestOfRoutine(routine) },
    entries,
  };
  return await seal.sign(Buffer.from(JSON.stringify(content)), 'attached');
}

export interface ImportOptions {
  /** Of this desk, and of those that the policy trusts. */
  readonly seals: readonly X509Certificate[];
  readonly routines: ReadonlyMap<string, Routine>;
  /** What this desk's own journal has of a ceremony; none when it does not know it. */
  readonly ownEntries: (ceremony: string) => readonly JournalEntry[];
}

export interface Imported {
  /** As it stands after all entries. */
  readonly ceremony: Ceremony;
  /** To be appended to the own journal, in this order, at their own times: their hashes are the ones that come out then. */
  readonly entries: readonly JournalEntry[];
  /** SHA-256 of the certificate of the desk that exported it, hexadecimal. */
  readonly seal: string;
}

/** Changes nothing. Throws transfer_already_taken, transfer_broken, transfer_diverged, transfer_invalid, transfer_routine_differs, transfer_seal_untrusted. */
export function importCeremony(bytes: Uint8Array, { seals, routines, ownEntries }: ImportOptions): Imported {
  const { content, seal } = openSealed(bytes, seals);
  const { ceremony: id, routine: named, entries } = parse(content);
  const broken = brokenLink(id, entries);
  if (broken !== undefined) {
    const problem = `entry ${broken} of ${id} is not the one that was written`;
    throw new ApiError('transfer_broken', `${ATTEMPT}: ${problem}`, { problem });
  }
  const routine = routines.get(named.id);
  if (routine?.version !== named.version || digestOfRoutine(routine) !== named.digest)
    throw new ApiError('transfer_routine_differs', `${ATTEMPT}: the routine ${named.id} is not the same at both desks`, {
      routine: named.id,
      version: String(named.version),
    });
  const ceremony = fold(id, entries, routine);
  return { ceremony, entries: continuation(id, ownEntries(id), entries), seal: fingerprintOf(seal) };
}

/** Whose seal it is comes first: what strangers send is not read. */
function openSealed(
  bytes: Uint8Array,
  seals: readonly X509Certificate[],
): { readonly content: Uint8Array; readonly seal: X509Certificate } {
  if (bytes.length > MAX_TRANSFER_BYTES) throw invalid(`it is larger than ${MAX_TRANSFER_BYTES} bytes`);
  const read = readSeal(bytes);
  if (typeof read === 'string') throw invalid(`its seal is not good: ${read}`);
  const { certificate: seal, content } = read;
  const fingerprint = fingerprintOf(seal);
  if (!seals.some((one) => fingerprintOf(one) === fingerprint))
    throw new ApiError(
      'transfer_seal_untrusted',
      `${ATTEMPT}: it comes from a desk that is not trusted (certificate ${fingerprint})`,
      {
        fingerprint,
      },
    );
  return { content, seal };
}

interface Transfer {
  readonly ceremony: string;
  readonly routine: { readonly id: string; readonly version: number; readonly digest: string };
  readonly entries: readonly JournalEntry[];
}

function parse(content: Uint8Array): Transfer {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch (error) {
    throw invalid(`it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isTransfer.Check(value)) throw invalid('it is no exported ceremony that this kortd knows');
  // A desk that is trusted wrote the entries, and their hashes were over them as they stand; the fold below refuses what it does not know.
  return { ...value, entries: value.entries.map((one) => ({ ...one, entry: one.entry as Entry })) };
}

function fold(id: string, entries: readonly JournalEntry[], routine: Routine): Ceremony {
  const [first] = entries;
  const { id: begunAs, version } = first?.entry.type === 'ceremony.begun' ? first.entry.routine : { id: '', version: 0 };
  if (begunAs !== routine.id || version !== routine.version) throw invalid(`${id} was not begun by the routine that is named`);
  try {
    const ceremony = foldCeremony(id, entries, routine);
    if (ceremony.state !== 'open') throw new Error(`it is ${ceremony.state}`);
    if (!ceremony.isAway) throw new Error('the desk that it comes from did not let it go');
    return ceremony;
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

/** What is new in it. What this desk has must be its beginning: a ceremony goes on at one desk at a time. */
function continuation(id: string, own: readonly JournalEntry[], given: readonly JournalEntry[]): readonly JournalEntry[] {
  const common = Math.min(own.length, given.length);
  if (common > 0 && own[common - 1]?.hash !== given[common - 1]?.hash)
    throw new ApiError('transfer_diverged', `${ATTEMPT}: ${id} went on at this desk meanwhile`, { ceremony: id });
  // Nobody took it, or nobody shall have: who exported it takes it back.
  if (own.length === given.length && own.at(-1)?.entry.type === 'ceremony.exported') return [];
  if (own.length >= given.length)
    throw new ApiError('transfer_already_taken', `${ATTEMPT}: all of ${id} is here already`, { ceremony: id });
  return given.slice(own.length);
}

/** A routine file can be changed without a new version; its text cannot. */
function digestOfRoutine(routine: Routine): string {
  return createHash('sha256').update(JSON.stringify(routine)).digest('hex');
}

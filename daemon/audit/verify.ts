/**
 * Whether a chain is as it was written, and if not, which record was changed, dropped, added or moved. Pure: records come from the database, from a copy of it
 * or from an export. Nothing shows what was done by someone who holds the signing key, nor the loss of the newest records together with the checkpoints
 * after them; for that, compare with an earlier export or head.
 */
import type { KeyObject } from 'node:crypto';
import type { AuditProblem } from '../../api-spec/methods/audit.ts';
import { fingerprintOf, isGenuine, type Checkpoint } from './checkpoint.ts';
import { CHAIN_START, hashRecord, type AuditRecord, type ChainPoint } from './record.ts';

export interface ChainSource {
  /** In the order in which they lie; from the beginning each time it is called. */
  readonly batches: () => AsyncIterable<readonly AuditRecord[]>;
  /** By number. */
  readonly checkpoints: readonly Checkpoint[];
  readonly publicKey: KeyObject;
  /** Places that must still be there, known from elsewhere. */
  readonly anchors?: readonly ChainPoint[];
  /** True for an export, which ends with a checkpoint of its own. */
  readonly isSealed?: boolean;
}

export interface Verification {
  readonly ok: boolean;
  readonly records: number;
  readonly checkpoints: number;
  readonly head: ChainPoint;
  readonly fingerprint: string;
  readonly problem?: AuditProblem;
}

/** How far from its place a record that bears another number is looked for. */
const MOVED_BY = 2_000;

export async function verifyChain(source: ChainSource): Promise<Verification> {
  const faults = checkpointProblems(source);
  const genuine = source.checkpoints.filter((checkpoint) => isSignedBy(checkpoint, source.publicKey));
  const prunes = genuine.filter(({ kind }) => kind === 'prune');
  const start = prunes.reduce<ChainPoint>((far, one) => (one.sequence > far.sequence ? one : far), CHAIN_START);
  const walked = await new Walk(source, start, [...genuine, ...(source.anchors ?? [])]).run();
  const { head, records } = walked;
  const end = walked.problem ? undefined : endProblem(source, head);
  const problem = firstOf([...faults, walked.problem, end]);
  return {
    ok: problem === undefined,
    records,
    checkpoints: genuine.length,
    head: { sequence: head.sequence, hash: head.hash },
    fingerprint: fingerprintOf(source.publicKey),
    ...(problem ? { problem } : {}),
  };
}

/** A forged mark of pruning goes first: it makes the rest look dropped. */
function firstOf(problems: readonly (AuditProblem | undefined)[]): AuditProblem | undefined {
  const found = problems.filter((problem) => problem !== undefined);
  const rank = ({ kind, sequence }: AuditProblem): number => (kind === 'bad_checkpoint' ? sequence - 0.5 : sequence);
  return found.find(({ message }) => message.includes('pruning')) ?? found.sort((one, other) => rank(one) - rank(other))[0];
}

function isSignedBy(checkpoint: Checkpoint, publicKey: KeyObject): boolean {
  return checkpoint.key === fingerprintOf(publicKey) && isGenuine(checkpoint, publicKey);
}

/** What is wrong with the checkpoints by themselves: signatures, numbers, and records that came while no daemon ran. */
function checkpointProblems({ checkpoints, publicKey }: ChainSource): readonly AuditProblem[] {
  const fingerprint = fingerprintOf(publicKey);
  return checkpoints.flatMap((checkpoint, index) => {
    const { number, kind, sequence } = checkpoint;
    const bad = (message: string): AuditProblem => ({ kind: 'bad_checkpoint', sequence, message });
    const name = `checkpoint ${number}${kind === 'prune' ? ' (of pruning)' : ''} at record ${sequence}`;
    if (checkpoint.key !== fingerprint)
      return [bad(`${name} was signed by another key, ${checkpoint.key}; the key of this log is ${fingerprint}`)];
    if (!isGenuine(checkpoint, publicKey)) return [bad(`${name} is forged or was changed: its signature is wrong`)];
    const before = checkpoints[index - 1];
    const isFirst = number === 1 || checkpoints.some((one) => one.kind === 'prune' && one.sequence > 0);
    if (before ? before.number !== number - 1 : !isFirst) return [bad(`the checkpoint before ${name} is missing`)];
    if (before?.kind === 'stop' && kind === 'start' && before.sequence < sequence)
      return [addedOffline(before.sequence, sequence)];
    return [];
  });
}

function addedOffline(stop: number, last: number): AuditProblem {
  const message = `records after ${stop} were added while kortd was not running`;
  return { kind: 'added', sequence: stop + 1, ...(last > stop + 1 ? { until: last } : {}), message };
}

/** What only the end shows. */
function endProblem({ checkpoints, isSealed }: ChainSource, head: ChainPoint): AuditProblem | undefined {
  const last = checkpoints.at(-1);
  if (last?.kind === 'stop' && last.sequence < head.sequence) return addedOffline(last.sequence, head.sequence);
  if (!isSealed) return undefined;
  if (last?.kind !== 'export')
    return {
      kind: 'dropped',
      sequence: head.sequence + 1,
      message: `the end of the export after record ${head.sequence} is missing`,
    };
  if (last.sequence >= head.sequence) return undefined;
  return { kind: 'added', sequence: last.sequence + 1, message: `records after ${last.sequence} were added to the export` };
}

class Walk {
  readonly #source: ChainSource;
  readonly #start: ChainPoint;
  readonly #marks = new Map<number, string[]>();
  #head: ChainPoint;
  /** The latest record that a signature or an anchor vouches for. */
  #sure: number;
  #records = 0;

  constructor(source: ChainSource, start: ChainPoint, marks: readonly ChainPoint[]) {
    this.#source = source;
    this.#start = start;
    this.#head = start;
    this.#sure = start.sequence;
    for (const { sequence, hash } of marks) this.#marks.set(sequence, [...(this.#marks.get(sequence) ?? []), hash]);
  }

  async run(): Promise<{ readonly head: ChainPoint; readonly records: number; readonly problem: AuditProblem | undefined }> {
    let problem = this.#compareMarks(this.#start);
    for await (const batch of this.#source.batches()) {
      for (const record of batch) {
        if (problem) break;
        problem = await this.#step(record);
      }
      if (problem) break;
    }
    return { head: this.#head, records: this.#records, problem: problem ?? this.#missingEnd() };
  }

  async #step(record: AuditRecord): Promise<AuditProblem | undefined> {
    const expected = this.#head.sequence + 1;
    this.#records++;
    if (record.sequence !== expected) return await this.#misplaced(record, expected);
    if (hashRecord(record) !== record.hash) return await this.#altered(record);
    if (record.previousHash !== this.#head.hash) return await this.#unlinked(record);
    const problem = this.#compareMarks(record);
    if (!problem) this.#head = { sequence: record.sequence, hash: record.hash };
    return problem;
  }

  #compareMarks({ sequence, hash }: ChainPoint): AuditProblem | undefined {
    const marks = this.#marks.get(sequence);
    if (!marks) return undefined;
    if (marks.every((mark) => mark === hash)) {
      this.#sure = sequence;
      return undefined;
    }
    const from = Math.min(this.#sure + 1, sequence);
    const message = `record ${sequence} is not the one that was signed for: it, or one after ${from - 1}, was rewritten`;
    return { kind: 'changed', sequence: from, ...(from < sequence ? { until: sequence } : {}), message };
  }

  #missingEnd(): AuditProblem | undefined {
    const until = Math.max(...this.#marks.keys(), 0);
    const first = this.#head.sequence + 1;
    return until < first ? undefined : dropped(first, until);
  }

  async #misplaced(record: AuditRecord, expected: number): Promise<AuditProblem> {
    const { sequence } = record;
    if (sequence < expected) {
      return { kind: 'added', sequence, message: `a record ${sequence} was added after record ${expected - 1}` };
    }
    if (await this.#find((one) => one.sequence === expected)) return reordered(expected, sequence);
    return dropped(expected, sequence - 1);
  }

  /** Its content belongs to another number, or was changed. */
  async #altered(record: AuditRecord): Promise<AuditProblem> {
    const { sequence } = record;
    const real = realSequence(record);
    if (real === undefined) return { kind: 'changed', sequence, message: `record ${sequence} was changed` };
    if (real < sequence) return { kind: 'added', sequence: real, message: `a record was added before what was record ${real}` };
    const previous = this.#head.hash;
    const isElsewhere = await this.#find((one) => one.previousHash === previous && one.hash !== record.hash);
    return isElsewhere ? reordered(sequence, real) : dropped(sequence, real - 1);
  }

  /** It is whole but does not follow from the one before: one of the two was rewritten, and what comes next tells which. */
  async #unlinked(record: AuditRecord): Promise<AuditProblem> {
    const { sequence } = record;
    const next = await this.#find((one) => one.sequence === sequence + 1);
    const isBeforeSure = this.#sure === sequence - 1;
    const isGenuine = next ? next.previousHash === record.hash : !isBeforeSure;
    const culprit = isGenuine && !isBeforeSure ? sequence - 1 : sequence;
    return {
      kind: 'changed',
      sequence: culprit,
      message: `record ${culprit} was changed: records ${sequence - 1} and ${sequence} do not follow from each other`,
    };
  }

  async #find(wanted: (record: AuditRecord) => boolean): Promise<AuditRecord | undefined> {
    for await (const batch of this.#source.batches()) {
      const found = batch.find(wanted);
      if (found) return found;
    }
    return undefined;
  }
}

/** The number under which its hash is right. */
function realSequence(record: AuditRecord): number | undefined {
  for (let by = 1; by <= MOVED_BY; by++) {
    for (const sequence of [record.sequence + by, record.sequence - by])
      if (sequence > 0 && hashRecord({ ...record, sequence }) === record.hash) return sequence;
  }
  return undefined;
}

function dropped(first: number, last: number): AuditProblem {
  const isOne = first === last;
  const message = isOne ? `record ${first} is missing` : `records ${first} to ${last} are missing`;
  return { kind: 'dropped', sequence: first, ...(isOne ? {} : { until: last }), message };
}

function reordered(sequence: number, found: number): AuditProblem {
  return { kind: 'reordered', sequence, message: `record ${found} lies where record ${sequence} should be` };
}

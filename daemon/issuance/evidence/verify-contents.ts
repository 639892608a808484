/** Whether the files of a container agree: statements with their signatures and the journal, the journal with its chain, records of the audit log with their hashes. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { ExportFormatError, parseLine } from '../../audit/export.ts';
import { hashRecord } from '../../audit/record.ts';
import { oneLine } from '../../signing/chain.ts';
import { CHAIN_START, hashOf } from '../entry-chain.ts';
import {
  AUDIT_FILE,
  JOURNAL_FILE,
  SUMMARY_FILE,
  SUMMARY_FORMAT,
  statementCms,
  statementText,
  type EvidenceSummary,
} from './contents.ts';
import { fingerprintOf } from './seal.ts';
import { readSigners, type GoodSignature } from './signers.ts';
import type { EvidenceProblem, EvidenceReport } from './verify.ts';

export interface StatementSigner {
  readonly step: string;
  /** RFC 4514. */
  readonly subject: string;
  /** SHA-256 of the certificate, hexadecimal. */
  readonly fingerprint: string;
  /** As the signer says. */
  readonly time?: Date;
}

const hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Line = Type.Object(
  {
    ceremony: Type.String(),
    number: Type.Integer({ minimum: 1 }),
    time: Type.String(),
    body: Type.String(),
    previous: hash,
    hash,
  },
  { additionalProperties: false },
);
const isLine = Compile(Line);
const isSummary = Compile(
  Type.Object({ format: Type.Literal(SUMMARY_FORMAT), ceremony: Type.String(), journalHead: hash, state: Type.String() }),
);
/** Of the entries, what is looked at here. */
const Signed = Type.Object({
  type: Type.Literal('step.signed'),
  step: Type.String(),
  person: Type.Object({ certificate: Type.String() }),
  statement: Type.String(),
  cms: Type.String(),
});
const isSigned = Compile(Signed);

type Files = ReadonlyMap<string, Uint8Array>;
type Checked = Pick<EvidenceReport, 'summary' | 'signers'>;

export function checkContents(files: Files, problems: EvidenceProblem[]): Checked {
  const summary = readSummary(files, problems);
  const bodies = readJournal(files, summary, problems);
  checkAudit(files, problems);
  const signed = bodies.filter((body) => isSigned.Check(body));
  checkStatementsListed(files, signed, problems);
  return { summary, signers: signed.flatMap((one) => checkStatement(files, one, problems)) };
}

function readSummary(files: Files, problems: EvidenceProblem[]): EvidenceSummary | undefined {
  const content = files.get(SUMMARY_FILE);
  if (!content) return undefined;
  const value = parseJson(textOf(content));
  if (isSummary.Check(value)) return value as EvidenceSummary;
  problems.push({
    ...{ code: 'summary_invalid', file: SUMMARY_FILE },
    ...{ en: 'the summary is of another format', sv: 'sammanfattningen har ett annat format' },
  });
  return undefined;
}

/** The entries of the journal; every one must follow from the one before. */
function readJournal(files: Files, summary: EvidenceSummary | undefined, problems: EvidenceProblem[]): readonly unknown[] {
  const content = files.get(JOURNAL_FILE);
  const broken = (en: string, sv: string): readonly unknown[] => {
    problems.push({ code: 'journal_broken', file: JOURNAL_FILE, en, sv });
    return [];
  };
  if (!content) return [];
  let previous = CHAIN_START;
  const bodies: unknown[] = [];
  for (const [index, text] of linesIn(content).entries()) {
    const line = parseJson(text);
    if (!isLine.Check(line) || !continues(line, { number: index + 1, previous, ceremony: summary?.ceremony }))
      return broken(`line ${index + 1} does not follow from the one before`, `rad ${index + 1} följer inte av raden före`);
    previous = line.hash;
    bodies.push(parseJson(line.body));
  }
  if (summary && previous !== summary.journalHead)
    return broken('its end is not the one that the summary names', 'slutet är inte det som sammanfattningen anger');
  return bodies;
}

interface Place {
  readonly number: number;
  readonly previous: string;
  readonly ceremony: string | undefined;
}

function continues(line: Static<typeof Line>, { number, previous, ceremony = line.ceremony }: Place): boolean {
  return line.number === number && line.previous === previous && line.ceremony === ceremony && line.hash === hashOf(line);
}

/** An excerpt: each record is whole by itself, and its place in the log is told by its number and hashes. */
function checkAudit(files: Files, problems: EvidenceProblem[]): void {
  const content = files.get(AUDIT_FILE);
  for (const [index, text] of content ? linesIn(content).entries() : [])
    if (!isWholeRecord(text))
      problems.push({
        ...{ code: 'audit_invalid', file: AUDIT_FILE },
        en: `line ${index + 1} is not a record as it was written`,
        sv: `rad ${index + 1} är ingen post så som den skrevs`,
      });
}

function isWholeRecord(text: string): boolean {
  try {
    const line = parseLine(text);
    return line.type === 'record' && hashRecord(line.record) === line.record.hash;
  } catch (error) {
    if (error instanceof ExportFormatError) return false;
    throw error;
  }
}

function checkStatementsListed(files: Files, signed: readonly Static<typeof Signed>[], problems: EvidenceProblem[]): void {
  const known = new Set(signed.map(({ step }) => statementCms(step)));
  for (const name of files.keys())
    if (name.startsWith('statements/') && name.endsWith('.p7s') && !known.has(name))
      problems.push(statementProblem(name, 'the journal knows nothing of it', 'journalen känner inte till den'));
}

function checkStatement(
  files: Files,
  { step, person, statement, cms }: Static<typeof Signed>,
  problems: EvidenceProblem[],
): readonly StatementSigner[] {
  const name = statementCms(step);
  const text = files.get(statementText(step));
  const signature = files.get(name);
  const fail = (en: string, sv: string): readonly StatementSigner[] => {
    problems.push(statementProblem(name, en, sv));
    return [];
  };
  if (!text || !signature) return fail('a statement of the journal is missing', 'ett intyg i journalen saknas');
  if (textOf(text) !== statement || Buffer.compare(signature, Buffer.from(cms, 'base64')) !== 0)
    return fail('it is not what the journal holds', 'det är inte det som journalen har');
  const verdict = signersOf(signature, text);
  if (typeof verdict === 'string')
    return fail(`its signatures are not good: ${verdict}`, `underskrifterna stämmer inte: ${verdict}`);
  const signers = verdict.map(({ certificate, claimedTime }) => ({
    step,
    subject: oneLine(certificate.subject),
    fingerprint: fingerprintOf(certificate),
    ...(claimedTime ? { time: claimedTime } : {}),
  }));
  if (signers.at(-1)?.fingerprint !== person.certificate.toLowerCase())
    return fail('it is signed by another person than the journal says', 'det är undertecknat av någon annan än journalen anger');
  return signers;
}

/** Everybody who signed, or what is wrong. The file beside it is for people, and must hold what was signed. */
function signersOf(cms: Uint8Array, text: Uint8Array): readonly GoodSignature[] | string {
  const read = readSigners(cms);
  if (typeof read === 'string') return read;
  return Buffer.compare(read.content, text) === 0 ? read.signers : 'the text in it is another';
}

function statementProblem(file: string, en: string, sv: string): EvidenceProblem {
  return { code: 'statement_invalid', file, en: `${file}: ${en}`, sv: `${file}: ${sv}` };
}

function linesIn(content: Uint8Array): readonly string[] {
  return textOf(content)
    .split('\n')
    .filter((line) => line !== '');
}

function textOf(content: Uint8Array): string {
  return Buffer.from(content).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

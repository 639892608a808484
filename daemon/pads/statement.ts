/**
 * What a capture states, as JSON with its members in this order, and how anybody checks it later without kortd's help: SHA-256 throughout, and a detached CMS of the
 * workstation's seal over its bytes (`openssl cms -verify`). There is nothing biometric in it but hashes.
 */
import { createHash } from 'node:crypto';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { RECORD_BYTES, SampleChain } from './chain.ts';

const strict = { additionalProperties: false } as const;
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Text = Type.Union([Type.String(), Type.Null()]);

const StatementSchema = Type.Object(
  {
    schema: Type.Literal('kortd.pad-signature/1'),
    capture: Type.String(),
    document: Type.Object({ sha256: Sha256 }, strict),
    shown: Type.Object(
      { kind: Type.Enum(['text', 'image', 'nothing'] as const), sha256: Type.Union([Sha256, Type.Null()]) },
      strict,
    ),
    pad: Type.Object({ driver: Type.String(), model: Type.String(), serialNumber: Text, firmware: Text }, strict),
    startedAt: Type.String(),
    endedAt: Type.String(),
    clearedBefore: Type.Integer(),
    samples: Type.Object(
      {
        count: Type.Integer(),
        lost: Type.Integer(),
        strokes: Type.Integer(),
        durationMs: Type.Number(),
        timeSource: Type.Enum(['pad', 'rate', 'host'] as const),
        chain: Sha256,
      },
      strict,
    ),
    replay: Type.Object({ verdict: Type.Enum(['new', 'near', 'exact'] as const), of: Text }, strict),
    svg: Type.Object({ sha256: Sha256 }, strict),
    png: Type.Object({ sha256: Sha256 }, strict),
    attestation: Type.Union([Type.Object({ format: Type.String(), sha256: Sha256 }, strict), Type.Null()]),
  },
  strict,
);
export type Statement = Static<typeof StatementSchema>;

const validator = Compile(StatementSchema);

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What is at hand of a capture; what is not given is not checked. */
export interface Parts {
  /** SHA-256 of the document. */
  readonly documentHash?: Uint8Array;
  /** Records of the samples, one behind the other, as they are in what was encrypted. */
  readonly records?: Uint8Array;
  readonly svg?: Uint8Array;
  readonly png?: Uint8Array;
}

/** What is wrong, in plain words; nothing is when the list is empty. */
export function checkStatement(text: string, parts: Parts): readonly string[] {
  const statement = parseStatement(text);
  if (!statement) return ['it is no statement of a capture'];
  const problems: string[] = [];
  const { document, svg, png } = statement;
  if (parts.documentHash && Buffer.from(parts.documentHash).toString('hex') !== document.sha256)
    problems.push('it is of another document');
  if (parts.svg && sha256(parts.svg) !== svg.sha256) problems.push('the SVG is another one');
  if (parts.png && sha256(parts.png) !== png.sha256) problems.push('the PNG is another one');
  if (parts.records) problems.push(...recordProblems(statement, parts.records));
  return problems;
}

function recordProblems({ document, pad, startedAt, samples }: Statement, records: Uint8Array): readonly string[] {
  if (records.length !== samples.count * RECORD_BYTES) return ['there are not as many samples as it says'];
  const documentHash = new Uint8Array(Buffer.from(document.sha256, 'hex'));
  const chain = new SampleChain({ documentHash, pad, startedAt: Date.parse(startedAt) });
  for (let at = 0; at < records.length; at += RECORD_BYTES) chain.addRecord(records.subarray(at, at + RECORD_BYTES));
  return chain.head === samples.chain ? [] : ['the samples, their order or their times are others'];
}

function parseStatement(text: string): Statement | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return validator.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What fields of a ceremony name by an id: verdicts and captures that the same caller had made. A capture counts in one ceremony, once. */
import type { Ceremony } from '../../issuance/ceremony.ts';
import type { FindProof, FoundProof } from '../../issuance/proofs.ts';
import { sha256 } from '../../pads/statement.ts';
import type { Call } from '../call.ts';
import { ownerOf, type HandlerContext } from './context.ts';

/** As an MRZ has it, and as people type it. */
const SWEDEN = new Set(['SWE', 'SE']);

export function proofsOfCaller({ verdicts, pads }: HandlerContext, call: Call): FindProof {
  const owner = ownerOf(call);
  return (kind, id) =>
    kind === 'documentVerdict' ? verdictOf(verdicts.find(owner, id)) : captureOf(pads.evidence.find(owner, id));
}

/** What the step has taken up counts in this ceremony alone. Called as soon as that is on the disk. */
export function takeUpProofs({ pads }: HandlerContext, call: Call, { id, done }: Ceremony, stepId: string): void {
  const owner = ownerOf(call);
  const taken = done.get(stepId);
  for (const { kind, field } of taken?.proofs ?? []) {
    const capture = taken?.facts[field] ?? '';
    const found = kind === 'padSignature' ? pads.evidence.find(owner, capture) : undefined;
    if (found) pads.evidence.replace(owner, capture, { ...found, takenBy: id });
  }
}

function verdictOf(found: ReturnType<HandlerContext['verdicts']['find']>): FoundProof | undefined {
  if (!found) return undefined;
  const { verdict, evidence } = found;
  return {
    ...{ kind: 'documentVerdict', statement: evidence.json, sha256: evidence.sha256 },
    documentNumbers: verdict.statements.flatMap(({ facts }) => facts.documentNumber ?? []),
    personalNumbers: verdict.statements.flatMap(({ facts }) => facts.personalNumber ?? []),
    isForeign: verdict.statements.some(({ facts: { issuer } }) => issuer !== undefined && !SWEDEN.has(issuer.toUpperCase())),
    ...(verdict.overall === 'passed' ? {} : { problem: `the document did not pass: the verdict is ${verdict.overall}` }),
  };
}

function captureOf(found: ReturnType<HandlerContext['pads']['evidence']['find']>): FoundProof | undefined {
  if (!found) return undefined;
  const { statement, seal, documentSha256, takenBy, isRepeat } = found;
  const problem = isRepeat
    ? 'the same movement was written before: it is a repeat'
    : takenBy === undefined
      ? undefined
      : `it was given before, in ${takenBy}: a signature counts once`;
  return {
    ...{ kind: 'padSignature', statement, sha256: sha256(statement), seal, documentSha256 },
    ...(problem === undefined ? {} : { problem }),
  };
}

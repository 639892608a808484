/** What fields of a ceremony name by an id: verdicts and captures that the same caller had made. */
import type { FindProof, FoundProof } from '../../issuance/proofs.ts';
import { sha256 } from '../../pads/statement.ts';
import type { Call } from '../call.ts';
import { ownerOf, type HandlerContext } from './context.ts';

export function proofsOfCaller({ verdicts, pads }: HandlerContext, call: Call): FindProof {
  const owner = ownerOf(call);
  return (kind, id) =>
    kind === 'documentVerdict' ? verdictOf(verdicts.find(owner, id)) : captureOf(pads.evidence.find(owner, id));
}

function verdictOf(found: ReturnType<HandlerContext['verdicts']['find']>): FoundProof | undefined {
  if (!found) return undefined;
  const { verdict, evidence } = found;
  return {
    ...{ kind: 'documentVerdict', statement: evidence.json, sha256: evidence.sha256 },
    documentNumbers: verdict.statements.flatMap(({ facts }) => facts.documentNumber ?? []),
    ...(verdict.overall === 'passed' ? {} : { problem: `the document did not pass: the verdict is ${verdict.overall}` }),
  };
}

function captureOf(found: ReturnType<HandlerContext['pads']['evidence']['find']>): FoundProof | undefined {
  if (!found) return undefined;
  const { statement, seal, isRepeat } = found;
  return {
    ...{ kind: 'padSignature', statement, sha256: sha256(statement), seal },
    ...(isRepeat ? { problem: 'the same movement was written before: it is a repeat' } : {}),
  };
}

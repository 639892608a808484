/** All that is said of the chip of a travel document: how it opened, what could be read, passive authentication, and whether the chip is the one that was personalised. */
import type { CardError } from '../../apdu/errors.ts';
import { ChipNotGenuineError } from '../../apdu/errors.ts';
import { worstVerdict, type Check, type Verdict } from './check.ts';
import type { DocumentReading, FileOutcome, ProofOutcome } from './document-reading.ts';
import { electronic, type ElectronicReason } from './electronic-reasons.ts';
import { authenticatePassively, type PassiveAuthentication, type PassiveQuestion } from './passive-authentication.ts';

export interface ElectronicChecks {
  readonly checks: readonly Check[];
  readonly passive: Pick<PassiveAuthentication, 'signer' | 'verdict'>;
  /** Whether the chip is no copy, by all ways together. */
  readonly chip: Verdict;
}

export function checkElectronically(reading: DocumentReading, question: PassiveQuestion): ElectronicChecks {
  const passive = authenticatePassively(reading, question);
  const proofs = chipChecks(reading, passive);
  return {
    checks: [
      electronic('electronic.access', 'access_granted', { protocol: reading.protocol }),
      ...readChecks(reading),
      ...passive.checks,
      ...proofs,
      electronic('electronic.terminalAuthentication', 'terminal_not_known'),
    ],
    passive,
    chip: chipVerdict(proofs.map(({ verdict }) => verdict)),
  };
}

const FILE_REASONS: Readonly<Record<FileOutcome, ElectronicReason>> = {
  absent: 'file_absent',
  invalid: 'file_invalid',
  lost: 'session_lost',
  read: 'file_read',
  refused: 'file_refused',
};

function readChecks({ outcomes }: DocumentReading): readonly Check[] {
  return [...outcomes].map(([file, outcome]) => {
    const id = `electronic.read.${file.toLowerCase().replace('ef.', '')}`;
    return electronic(id, FILE_REASONS[outcome], { file });
  });
}

const PROOF_REASONS: Readonly<Record<ProofOutcome, ElectronicReason>> = {
  absent: 'chip_absent_key',
  genuine: 'chip_genuine',
  invalid: 'chip_key_invalid',
  lost: 'chip_session_lost',
  'not asked': 'chip_not_asked',
  'not genuine': 'chip_not_genuine',
};

/** A key that nobody signed proves nothing: whoever copies a document can put a key of their own into the copy. */
function chipChecks({ agreement, challenge, mapping }: DocumentReading, passive: PassiveAuthentication): readonly Check[] {
  const proof = (name: string, outcome: ProofOutcome, isSigned: boolean): Check => {
    const reason = outcome === 'genuine' && !isSigned ? 'chip_key_unsigned' : PROOF_REASONS[outcome];
    return electronic(`electronic.${name}`, reason);
  };
  return [
    proof('chipAuthentication', agreement, passive.proven.has('DG14')),
    proof('activeAuthentication', challenge, passive.proven.has('DG15')),
    proof('paceMapping', mapping ? mappingOutcome(mapping.problem) : 'absent', passive.isMappingKeySigned),
  ];
}

function mappingOutcome(problem: CardError | undefined): ProofOutcome {
  if (!problem) return 'genuine';
  return problem instanceof ChipNotGenuineError ? 'not genuine' : 'invalid';
}

/** One way that passed is enough where none failed; what the document does not have is of no weight. */
function chipVerdict(verdicts: readonly Verdict[]): Verdict {
  const told = verdicts.filter((verdict) => verdict !== 'notSupported');
  if (told.length === 0) return 'notSupported';
  return worstVerdict(told);
}

/** Verdicts as they are made, kept, added to by operators, and given out: each for whoever asked for it, until it is forgotten. */
import type { DocumentVerdict, ManualEntry } from '../../../api-spec/document.ts';
import { ApiError } from '../../errors.ts';
import { Kept, type Owner } from '../kept.ts';
import { examine, type DocumentInput, type Examination } from './examine.ts';
import { judge, type Judgement } from './judge.ts';
import type { ListMatch, ListedDocument } from './lists.ts';
import type { RuleSet } from './rule-set.ts';
import { evidenceOf, type VerdictEvidence, type VerdictInput } from './verdict-evidence.ts';
import { placeOf } from './zone-checks.ts';

/** A day of a busy office, on one desk. */
const LIMIT = 200;
const LIMIT_PER_OWNER = 100;
const MAX_MANUAL = 50;
const SALT_BYTES = 32;

interface KeptVerdict {
  readonly verdict: DocumentVerdict;
  readonly evidence: VerdictEvidence;
  readonly examination: Examination;
  readonly rules: RuleSet;
  readonly inputs: readonly VerdictInput[];
  readonly salt: Uint8Array;
}

export interface VerdictsOptions {
  readonly policy: () => { readonly ruleSets: ReadonlyMap<string, RuleSet>; readonly keepMs: number };
  readonly findOnLists: (documents: readonly ListedDocument[]) => readonly ListMatch[] | undefined;
  readonly now: () => Date;
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface VerdictOrder {
  readonly ruleSet: string;
  readonly input: DocumentInput;
  readonly inputs: readonly VerdictInput[];
}

export class Verdicts implements Disposable {
  readonly #options: VerdictsOptions;
  readonly #kept = new Kept<KeptVerdict>({ noun: 'verdict', limit: LIMIT, limitPerOwner: LIMIT_PER_OWNER });

  constructor(options: VerdictsOptions) {
    this.#options = options;
  }

  /** Throws rule_set_unknown. */
  verify(owner: Owner, { ruleSet, input, inputs }: VerdictOrder): DocumentVerdict {
    const { policy, findOnLists, now, randomBytes } = this.#options;
    const { ruleSets, keepMs } = policy();
    const rules = ruleSets.get(ruleSet);
    if (!rules)
      throw new ApiError('rule_set_unknown', `judging a document: there is no rule set ${ruleSet}`, {
        known: [...ruleSets.keys()].sort().join(', '),
      });
    const at = now();
    const examination = examine(input, { rules, now: at, findOnLists });
    const id = this.#kept.newId();
    const times = { createdAt: at.toISOString(), keptUntil: new Date(at.getTime() + keepMs).toISOString() };
    const made = makeVerdict({
      id,
      times,
      examination,
      rules,
      inputs,
      salt: randomBytes(SALT_BYTES),
      manual: [],
      previous: undefined,
    });
    this.#kept.put(owner, id, made, keepMs);
    return made.verdict;
  }

  /** Throws verdict_unknown, and invalid_params when there are too many. */
  addManual(owner: Owner, id: string, entry: ManualEntry): DocumentVerdict {
    const { verdict, evidence, ...rest } = this.#find(owner, id);
    if (verdict.manual.length >= MAX_MANUAL)
      throw new ApiError('invalid_params', `adding a manual check: the verdict has ${MAX_MANUAL} already`, {
        problem: `the verdict has ${MAX_MANUAL} manual checks already`,
      });
    const { createdAt, keptUntil } = verdict;
    const made = makeVerdict({
      ...rest,
      id,
      times: { createdAt, keptUntil },
      manual: [...verdict.manual, entry],
      previous: evidence.sha256,
    });
    this.#kept.replace(owner, id, made);
    return made.verdict;
  }

  /** Throws verdict_unknown. */
  get(owner: Owner, id: string): DocumentVerdict {
    return this.#find(owner, id).verdict;
  }

  /** The scan that it was made of, where it was named by its id. Throws verdict_unknown. */
  scanOf(owner: Owner, id: string): string | undefined {
    return this.#find(owner, id).inputs.find(({ kind }) => kind === 'scan')?.id;
  }

  /** With its evidence, for what relies on it. */
  find(owner: Owner, id: string): Pick<KeptVerdict, 'evidence' | 'verdict'> | undefined {
    return this.#kept.find(owner, id);
  }

  /** What was made of a scan by pages and programs of this user, the latest first. */
  ofScan(user: string, scan: string): readonly DocumentVerdict[] {
    const about = this.#kept.ofUser(user).filter(({ inputs }) => inputs.some(({ kind, id }) => kind === 'scan' && id === scan));
    return about.map(({ verdict }) => verdict);
  }

  /** Throws verdict_unknown. */
  evidence(owner: Owner, id: string): VerdictEvidence {
    return this.#find(owner, id).evidence;
  }

  [Symbol.dispose](): void {
    this.#kept[Symbol.dispose]();
  }

  #find(owner: Owner, id: string): KeptVerdict {
    const kept = this.#kept.find(owner, id);
    if (!kept) throw new ApiError('verdict_unknown', `looking up the verdict ${id}: the caller has none of this id`);
    return kept;
  }
}

interface Making extends Pick<KeptVerdict, 'examination' | 'inputs' | 'rules' | 'salt'> {
  readonly id: string;
  readonly times: { readonly createdAt: string; readonly keptUntil: string };
  readonly manual: readonly ManualEntry[];
  readonly previous: string | undefined;
}

function makeVerdict({ id, times, examination, rules, inputs, salt, manual, previous }: Making): KeptVerdict {
  const judgement = judge({ ...examination, manual }, rules);
  const { createdAt } = times;
  const evidence = evidenceOf({ id, createdAt, rules, inputs, judgement, manual, salt, previous });
  const verdict: DocumentVerdict = {
    verdict: id,
    ruleSet: rules.name,
    ...described(judgement),
    manual: [...manual],
    statements: examination.statements.map(({ source, facts }) => ({ source, facts: { ...facts } })),
    corrections: examination.corrections.map(({ source, repair, lineLength }) => ({
      ...{ source, read: repair.from, used: repair.to },
      ...placeOf(repair, lineLength),
    })),
    ...times,
    evidence: evidence.sha256,
  };
  return { verdict, evidence, examination, rules, inputs, salt };
}

function described({
  overall,
  machine,
  reasons,
  requirements,
  checks,
}: Judgement): Pick<DocumentVerdict, 'checks' | 'machine' | 'overall' | 'reasons' | 'requirements'> {
  return { overall, machine, reasons: [...reasons], requirements: [...requirements], checks: [...checks] };
}

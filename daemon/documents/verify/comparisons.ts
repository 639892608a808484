/**
 * What two sources say, compared field by field. What neither says is no agreement: for the fields by which a document and its holder are known, that nothing was
 * compared is an entry too.
 */
import { DocumentFacts, type VerdictCheck } from '../../../api-spec/document.ts';
import { birthDayIn, compareDays, type Day, type DayAgreement } from './days.ts';
import { compareNames, compareWholeNames, type NameAgreement } from './names.ts';
import { combinedCheck } from './reasons.ts';
import { isSameState } from '../states.ts';
import { SOURCES, type FactName, type Facts, type Source, type Statement } from './statement.ts';

type Reason = Parameters<typeof combinedCheck>[1];

/** Without which two readings of one document are not compared. */
const CORE: readonly FactName[] = ['surname', 'givenNames', 'documentNumber', 'birthDate', 'expiryDate'];
const FACT_NAMES = (Object.keys(DocumentFacts.properties) as FactName[]).sort();
/** In the order of SOURCES: what a machine read in two ways. */
const MACHINE_PAIRS: readonly (readonly [Source, Source])[] = [
  ['chip', 'mrz'],
  ['chip', 'viz'],
  ['mrz', 'viz'],
];

const OF_NAMES: Readonly<Record<NameAgreement, Reason>> = {
  accents: 'differ_in_accents',
  agree: 'agree',
  differ: 'differ',
  inPart: 'in_part',
  truncated: 'agree_truncated',
};
const OF_DAYS: Readonly<Record<DayAgreement, Reason>> = {
  agree: 'agree',
  differ: 'differ',
  inPart: 'in_part',
  unreadable: 'unreadable',
};

export interface ComparisonOptions {
  readonly today: Day;
  /** What must have been typed, and compared with something that was read. */
  readonly typedFields: readonly FactName[];
}

export function* comparisonChecks(statements: readonly Statement[], options: ComparisonOptions): Generator<VerdictCheck> {
  const ordered = [...statements].sort((a, b) => SOURCES.indexOf(a.source) - SOURCES.indexOf(b.source));
  const compared = new Set<string>();
  for (const [index, one] of ordered.entries())
    for (const other of ordered.slice(index + 1))
      for (const check of pairChecks(one, other, options.today)) {
        compared.add(check.id);
        yield check;
      }
  yield* missing(compared, options, ordered);
}

function* pairChecks(one: Statement, other: Statement, today: Day): Generator<VerdictCheck> {
  const sources = [one.source, other.source];
  const pair = `combined.${one.source}.${other.source}`;
  const [a, b] = [factsOf(one), factsOf(other)];
  const wholeName =
    a.surname !== undefined && b.surname !== undefined ? compareWholeNames(nameOf(one), nameOf(other)) : undefined;
  const shared = FACT_NAMES.filter(
    (name) => (a[name] !== undefined && b[name] !== undefined) || isNameOfOne(name, wholeName, [a, b]),
  );
  for (const name of shared) {
    const reason = reasonOf(name, [a[name] ?? '', b[name] ?? ''], wholeName, today);
    yield { ...combinedCheck(`${pair}.${name}`, reason), sources };
  }
}

/** Somebody with one name has it in the surname (ICAO Doc 9303-3, section 4.6): that the other has given names too is compared. */
function isNameOfOne(name: FactName, wholeName: NameAgreement | undefined, facts: readonly Facts[]): boolean {
  return name === 'givenNames' && wholeName !== undefined && facts.some(({ givenNames }) => givenNames !== undefined);
}

/** A personal number says when its holder was born, where nothing else does. */
function factsOf({ facts }: Statement): Facts {
  const { birthDate, personalNumber } = facts;
  const day = birthDate === undefined && personalNumber !== undefined ? birthDayIn(personalNumber) : undefined;
  return day === undefined ? facts : { ...facts, birthDate: day };
}

function nameOf({ facts, mayBeTruncated = false }: Statement): Parameters<typeof compareWholeNames>[0] {
  return { surname: facts.surname ?? '', givenNames: facts.givenNames ?? '', mayBeTruncated };
}

function reasonOf(
  name: FactName,
  [one, other]: readonly [string, string],
  wholeName: NameAgreement | undefined,
  today: Day,
): Reason {
  switch (name) {
    case 'surname':
    case 'givenNames':
      return OF_NAMES[wholeName === 'agree' || wholeName === 'truncated' ? wholeName : compareNames(one, other)];
    case 'birthDate':
      return OF_DAYS[compareDays(one, other, 'birth', today)];
    case 'expiryDate':
      return OF_DAYS[compareDays(one, other, 'expiry', today)];
    case 'issuer':
    case 'nationality':
      return isSameState(one, other) ? 'agree' : 'differ';
    case 'sex':
      return sexOf(one) === sexOf(other) ? 'agree' : 'differ';
    case 'personalNumber':
    case 'documentNumber':
    case 'documentCode':
      return plain(one) === plain(other) ? 'agree' : 'differ';
  }
}

function sexOf(text: string): string {
  const letter = text.trim().toUpperCase();
  return letter === 'F' || letter === 'M' ? letter : 'X';
}

/** Without what is put between the characters of a number. */
function plain(text: string): string {
  return text.toUpperCase().replaceAll(/[\s<\-+]/g, '');
}

function* missing(
  compared: ReadonlySet<string>,
  { typedFields }: ComparisonOptions,
  statements: readonly Statement[],
): Generator<VerdictCheck> {
  for (const [one, other] of MACHINE_PAIRS) {
    const both = [one, other].flatMap((source) => statements.filter((statement) => statement.source === source));
    if (both.length < 2) continue;
    for (const name of CORE.filter((core) => core !== 'givenNames' || both.some(({ facts }) => facts.givenNames !== undefined)))
      if (!compared.has(`combined.${one}.${other}.${name}`)) yield notCompared(`combined.${one}.${other}.${name}`, [one, other]);
  }
  const typed = [...compared].filter((id) => id.startsWith('combined.typed.'));
  for (const name of typedFields)
    if (!typed.some((id) => id.endsWith(`.${name}`))) yield notCompared(`combined.typed.${name}`, ['typed']);
}

function notCompared(id: string, sources: readonly Source[]): VerdictCheck {
  return { ...combinedCheck(id, 'nothing_to_compare'), sources: [...sources] };
}

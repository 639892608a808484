/** What a person fills in for a step, checked against its routine before anything is recorded. Dates are calendar days of the workstation's own time zone. */
import { isCardNumber } from '../identity/card-number.ts';
import { parseHsaId } from '../identity/hsa-id.ts';
import { parsePersonalNumber } from '../identity/personal-number.ts';
import type { Proof } from './entry.ts';
import { documentSignedIn, proofKindOf, proofProblem, type FindProof, type ToBeSigned } from './proofs.ts';
import type { Routine, RoutineField, StepOf } from './routine.ts';

/** Of a text that names no length of its own. */
const MAX_TEXT = 200;
const MAX_INTEGER_DIGITS = 9;

export interface FieldContext {
  readonly now: Date;
  readonly holder: Routine['holder'];
  /** What earlier steps left behind, by `step.field`. */
  readonly valueAt: (path: string) => string | undefined;
  /** What a person signs on a pad in this step, in each language; none where the ceremony has no such text. */
  readonly documents?: readonly ToBeSigned[];
  /** What fields name by an id; left out: there is nothing of the kind. */
  readonly findProof?: FindProof;
}

export interface FieldProblem {
  readonly field: string;
  /** In words for whoever filled it in. */
  readonly problem: string;
}

/** The fields as they are to be recorded, or all that is wrong with them. */
export function checkFields(
  step: StepOf<'record'>,
  given: Readonly<Record<string, string>>,
  context: FieldContext,
): { readonly fields: Readonly<Record<string, string>>; readonly problems: readonly FieldProblem[] } {
  const fields: Record<string, string> = {};
  const problems: FieldProblem[] = Object.keys(given)
    .filter((field) => !Object.hasOwn(step.fields, field))
    .map((field) => ({ field, problem: 'the step has no such field' }));
  for (const [field, definition] of Object.entries(step.fields)) {
    const text = textOf(given, field);
    const problem =
      text === '' ? (definition.optional ? undefined : 'it is missing') : problemOf(definition, text, given, step, context);
    if (problem !== undefined) problems.push({ field, problem });
    else if (text !== '') fields[field] = text;
  }
  return { fields, problems: [...problems, ...groupProblems(step, fields)] };
}

/** Without what surrounds it; "" for what was left out. */
function textOf(given: Readonly<Record<string, string>>, field: string): string {
  return (Object.hasOwn(given, field) ? given[field] : undefined)?.trim() ?? '';
}

/** One of the groups is whole, and nothing of the others is there. */
function groupProblems({ oneOf }: StepOf<'record'>, fields: Readonly<Record<string, string>>): readonly FieldProblem[] {
  if (!oneOf) return [];
  const begun = oneOf.filter((group) => group.some((field) => Object.hasOwn(fields, field)));
  const [only] = begun;
  if (begun.length === 1 && only?.every((field) => Object.hasOwn(fields, field))) return [];
  const groups = oneOf.map((group) => group.join(' and ')).join(', or ');
  return [{ field: (only ?? oneOf[0] ?? []).join(', '), problem: `exactly one is filled in of: ${groups}` }];
}

function problemOf(
  field: RoutineField,
  text: string,
  given: Readonly<Record<string, string>>,
  step: StepOf<'record'>,
  context: FieldContext,
): string | undefined {
  switch (field.kind) {
    case 'text':
      if (/\p{Cc}/u.test(text)) return 'it has control characters';
      if (/\p{Bidi_Control}/u.test(text)) return 'it has characters that turn the direction of the text around them';
      if (!text.isWellFormed()) return 'it has half a character';
      return text.length > (field.maxLength ?? MAX_TEXT)
        ? `it is longer than ${field.maxLength ?? MAX_TEXT} characters`
        : undefined;
    case 'integer':
      return /^\d+$/.test(text) && text.length <= MAX_INTEGER_DIGITS ? undefined : 'it is no whole number';
    case 'confirmation':
      return text === 'yes' ? undefined : 'it must be confirmed';
    case 'choice':
      return Object.hasOwn(field.choices ?? {}, text) ? undefined : 'it is none of the choices';
    case 'cardNumber':
      return isCardNumber(text) ? undefined : 'it is no card number: nineteen digits';
    case 'personalNumber':
      return personalNumberProblem(text, context);
    case 'hsaId':
      return hsaIdProblem(field, text, context);
    case 'passportNumber':
      return /^[A-Za-z0-9]{5,20}$/u.test(text) ? undefined : 'it is no passport number: letters and digits';
    case 'birthDate':
      return birthDateProblem(text, context);
    case 'documentVerdict':
    case 'padSignature': {
      const at = (path: string | undefined): string | undefined =>
        path === undefined ? undefined : valueOf(path, given, step, context);
      const { documents = [] } = context;
      const wanted = { documentNumber: at(field.documentNumber), personalNumber: at(field.personalNumber), documents };
      return proofProblem(context.findProof?.(field.kind, text), wanted);
    }
    case 'date':
      return dateProblem(field, text, (path) => valueOf(path, given, step, context));
  }
}

/** As it is, or was, recorded: of the same step, or of an earlier one. */
function valueOf(
  path: string,
  given: Readonly<Record<string, string>>,
  step: StepOf<'record'>,
  context: FieldContext,
): string | undefined {
  const [owner, name = ''] = path.split('.');
  if (path === 'today') return localDate(context.now);
  return owner === step.id ? textOf(given, name) || undefined : context.valueAt(path);
}

/** Of fields that were checked. */
export function proofsOf(
  step: StepOf<'record'>,
  fields: Readonly<Record<string, string>>,
  { findProof, documents = [] }: Pick<FieldContext, 'documents' | 'findProof'>,
): readonly Proof[] {
  return Object.entries(fields).flatMap(([field, id]) => {
    const definition = step.fields[field];
    const kind = definition && proofKindOf(definition);
    const found = kind && findProof?.(kind, id);
    if (!found) return [];
    const { statement, sha256, seal } = found;
    const document = documentSignedIn(found, documents)?.text;
    const more = { ...(seal === undefined ? {} : { seal }), ...(document === undefined ? {} : { document }) };
    return [{ field, kind, statement, sha256, ...more }];
  });
}

function hsaIdProblem(
  { sameOrganisationAs, otherOrganisationThan }: RoutineField,
  text: string,
  context: FieldContext,
): string | undefined {
  const own = organisationOf(text);
  if (own === undefined) return 'it is no HSA-id: SE, ten digits, a hyphen, letters and digits';
  const at = (path: string | undefined): string | undefined =>
    organisationOf(path === undefined ? undefined : context.valueAt(path));
  const [same, other] = [at(sameOrganisationAs), at(otherOrganisationThan)];
  if (same !== undefined && same !== own) return 'it is of another organisation';
  return other === own ? 'it is of the same organisation' : undefined;
}

/** The ten digits of an HSA-id. */
function organisationOf(hsaId: string | undefined): string | undefined {
  return hsaId !== undefined && parseHsaId(hsaId) ? hsaId.slice(2, 12) : undefined;
}

function birthDateProblem(text: string, { holder, now }: FieldContext): string | undefined {
  if (!isDate(text)) return 'it is no date: YYYY-MM-DD';
  if (text > localDate(now)) return `it is after ${localDate(now)}`;
  return isTooYoung(text.replaceAll('-', ''), holder, now);
}

function isTooYoung(born: string, holder: FieldContext['holder'], now: Date): string | undefined {
  const { minimumAge } = holder ?? {};
  return minimumAge !== undefined && ageOf(born, now) < minimumAge ? `the holder must be ${minimumAge} at least` : undefined;
}

function dateProblem(field: RoutineField, text: string, at: (path: string) => string | undefined): string | undefined {
  if (!isDate(text)) return 'it is no date: YYYY-MM-DD';
  const earliest = field.notBefore === undefined ? undefined : at(field.notBefore);
  const latest = field.notAfter === undefined ? undefined : at(field.notAfter);
  if (earliest !== undefined && text < earliest) return `it is before ${earliest}`;
  return latest !== undefined && text > latest ? `it is after ${latest}` : undefined;
}

function personalNumberProblem(text: string, { holder, now }: FieldContext): string | undefined {
  const parsed = parsePersonalNumber(text);
  if (!parsed) return 'it is no personal identity number or coordination number: twelve digits, with a check digit';
  if (parsed.kind === 'coordination number' && holder?.notRegisteredBy?.includes('coordinationNumber'))
    return 'the routine is not for holders with a coordination number';
  return isTooYoung(parsed.number, holder, now);
}

/** In whole years. A day or month of birth that is not known counts as the last: nobody is made older. */
function ageOf(number: string, now: Date): number {
  const month = Number(number.slice(4, 6)) || 12;
  const day = Number(number.slice(6, 8)) % 60 || 31;
  const birthday = now.getMonth() + 1 > month || (now.getMonth() + 1 === month && now.getDate() >= day);
  return now.getFullYear() - Number(number.slice(0, 4)) - (birthday ? 0 : 1);
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

export function localDate(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

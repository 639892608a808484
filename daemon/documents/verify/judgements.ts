/** What is judged rather than compared: whether the document still counts, whether its holder is old enough, which lists it is on, and whose chip it has. */
import type { VerdictCheck } from '../../../api-spec/document.ts';
import { ageOn, birthDayIn, readDay, type Day } from './days.ts';
import type { ListMatch } from './lists.ts';
import { combinedCheck } from './reasons.ts';
import { twoLettersOf } from '../states.ts';
import type { Source, Statement } from './statement.ts';

/** The last day counts. Every source that tells one is asked: the worst stands. */
export function* expiryChecks(statements: readonly Statement[], today: Day): Generator<VerdictCheck> {
  for (const { source, facts } of statements) {
    if (facts.expiryDate === undefined) continue;
    const day = readDay(facts.expiryDate, 'expiry', today);
    yield { ...combinedCheck(`combined.expiry.${source}`, expiryReason(day, today)), sources: [source] };
  }
}

function expiryReason(day: Day | undefined, today: Day): 'expired' | 'expiry_unknown' | 'not_expired' {
  if (day === undefined) return 'expiry_unknown';
  const known = today.slice(0, day.length);
  if (day < known) return 'expired';
  return day > known || day.length === today.length ? 'not_expired' : 'expiry_unknown';
}

/** By every birthday that is told, in the calendar of Sweden. */
export function* ageChecks(
  statements: readonly Statement[],
  minimumAge: number | undefined,
  today: Day,
): Generator<VerdictCheck> {
  if (minimumAge === undefined) {
    yield combinedCheck('combined.age', 'no_age_rule');
    return;
  }
  for (const { source, facts } of statements) {
    const days = [
      ['birthDate', facts.birthDate === undefined ? undefined : (readDay(facts.birthDate, 'birth', today) ?? '')],
      ['personalNumber', facts.personalNumber === undefined ? undefined : birthDayToldBy(facts.personalNumber, source, facts)],
    ] as const;
    for (const [name, day] of days)
      if (day !== undefined)
        yield {
          ...combinedCheck(`combined.age.${source}.${name}`, ageReason(day, minimumAge, today), { age: minimumAge }),
          sources: [source],
        };
  }
}

/** Documents of other states have numbers of their own there, which tell no day: that of birth stands beside them. "": nobody can tell. */
function birthDayToldBy(personalNumber: string, source: Source, { birthDate }: Statement['facts']): Day | undefined {
  const isForeign = source !== 'typed' && birthDate !== undefined;
  return birthDayIn(personalNumber) ?? (isForeign ? undefined : '');
}

function ageReason(day: Day, minimumAge: number, today: Day): 'age_unknown' | 'born_later' | 'old_enough' | 'too_young' {
  if (day === '') return 'age_unknown';
  if (day > today) return 'born_later';
  const { least, most } = ageOn(today, day);
  if (least >= minimumAge) return 'old_enough';
  return most < minimumAge ? 'too_young' : 'age_unknown';
}

/** Undefined: no lists are configured. */
export function* listChecks(matches: readonly ListMatch[] | undefined): Generator<VerdictCheck> {
  if (!matches) {
    yield combinedCheck('combined.lists', 'no_lists');
    return;
  }
  for (const { list, outcome, problem = '' } of matches)
    yield combinedCheck(`combined.lists.${list}`, outcome, { list, problem });
}

/** Every state that is told of as the issuer, against the country of the certificate that signed the chip (BSI TR-03135-1, section 4.6.4.5). */
export function* countryChecks(statements: readonly Statement[], signerCountry: string | undefined): Generator<VerdictCheck> {
  if (signerCountry === undefined) return;
  for (const { source, facts } of statements) {
    if (facts.issuer === undefined || source === 'typed') continue;
    const country = twoLettersOf(facts.issuer);
    const isKnown = country !== undefined && /^[A-Z]{2}$/i.test(signerCountry);
    const reason = !isKnown ? 'country_unknown' : country === signerCountry.toUpperCase() ? 'country_matches' : 'country_differs';
    yield { ...combinedCheck(`combined.country.${source}`, reason), sources: [source, 'chip'] satisfies Source[] };
  }
}

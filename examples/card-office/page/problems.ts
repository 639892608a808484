/** What to tell a person when something failed: kortd's own words, and where it knows the routine, what this page knows of it beside. */
import { CallError, ConnectionError } from '../../../api-spec/client/client.ts';
import { PortalError } from './authority.ts';
import { nameOf, type Seat } from './desk.ts';
import { say, type Text } from './language.ts';
import { FIELD_PROBLEMS, WORDS } from './words.ts';

/** Where it happened. */
export interface Scene {
  /** What the routine calls whoever takes the step. */
  readonly who?: string;
  readonly seat?: Seat | undefined;
}

const REASONS: Readonly<Record<string, Text>> = {
  assurance_level: WORDS.assurance_level,
  not_administrator: WORDS.not_administrator,
  not_comparable: WORDS.not_comparable,
  not_holder: WORDS.not_holder,
  other_person: WORDS.other_person,
  same_person: WORDS.same_person,
  unknown_holder: WORDS.unknown_holder,
  untrusted: WORDS.untrusted_card,
};

export function explain(error: unknown, scene: Scene = {}): readonly string[] {
  if (error instanceof CallError) {
    if (error.code === 'participant_refused') return explainRefusal(error, scene);
    return [say(error.error)];
  }
  if (error instanceof PortalError) return [say(error.text)];
  if (error instanceof ConnectionError) return [say(error), say(WORDS.goneOn)];
  // What fetch throws when nobody answers.
  if (error instanceof TypeError) return [say(WORDS.portalAway)];
  return [say(WORDS.unexpected)];
}

/** Who was meant, and who came. */
function explainRefusal({ error }: CallError, { who, seat }: Scene): readonly string[] {
  const text = REASONS[String(error.details?.['reason'])];
  if (!text) return [say(error)];
  const name = seat?.contents?.identity?.name;
  return [
    say(text, { who: who ?? String(error.details?.['participant']) }),
    ...(seat && name !== undefined ? [say(WORDS.seen, { reader: nameOf(seat.reader), name })] : []),
  ];
}

/** By field. kortd says all that is wrong at once: "validTo: it is missing; hsaId: it is no HSA-id". */
export function fieldProblems(error: unknown): ReadonlyMap<string, string> {
  if (!(error instanceof CallError) || error.code !== 'fields_invalid') return new Map();
  const rows = String(error.error.details?.['problem']).split('; ');
  return new Map(
    rows.flatMap((row): [string, string][] => {
      const [, fields = '', problem = ''] = /^([\w, ]+): (.*)$/.exec(row) ?? [];
      return fields.split(', ').map((field) => [field, sayProblem(problem)]);
    }),
  );
}

function sayProblem(problem: string): string {
  for (const { pattern, text } of FIELD_PROBLEMS) {
    const match = pattern.exec(problem);
    if (match) return say(text, match.groups ?? {});
  }
  return problem;
}

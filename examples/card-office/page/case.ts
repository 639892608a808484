/** A case and its routine, looked at together: kortd calls it a ceremony. */
import type { Ceremony } from '../../../api-spec/issuance.ts';
import type { Routine, RoutineStep } from '../../../api-spec/routine.ts';
import { say } from './language.ts';

export type { Ceremony, Routine, RoutineStep };
export type StepView = Ceremony['steps'][number];
/** As calls take it. */
export type CardTarget = { readonly reader: string } | { readonly role: string };

/** The step whose turn it is, or whose card has still to be dealt with. */
export function stepAtWork({ steps, nextStep }: Ceremony): StepView | undefined {
  const isUnsettled = ({ job }: StepView): boolean =>
    job !== undefined && ['making', 'writing', 'undoing', 'confirming'].includes(job.phase);
  return steps.find(isUnsettled) ?? steps.find(({ step }) => step === nextStep);
}

/** As the routine describes it. */
export function definitionOf({ steps }: Routine, { step }: StepView): RoutineStep | undefined {
  return steps.find(({ id }) => id === step);
}

/** In words; the caller itself where a step names nobody. */
export function whoTakes({ participants }: Routine, by: string | undefined): string | undefined {
  const participant = by === undefined ? undefined : participants[by];
  return participant && say(participant.title);
}

/** What an earlier step left behind, by the routine's "step.field". */
export function valueAt({ steps }: Ceremony, path: string | undefined): string | undefined {
  const [owner, field = ''] = path?.split('.') ?? [];
  return steps.find(({ step }) => step === owner)?.facts?.[field];
}

/** Certificates that were accepted for the card, base64. */
export function certificatesOf({ steps }: Ceremony): readonly string[] {
  return steps.flatMap(({ job }) =>
    (job?.keys ?? []).flatMap(({ certificate }) => (certificate === undefined ? [] : [certificate])),
  );
}

/** What keeps a ceremony from going on. The API gives each reason a code and texts of its own. */

export type CeremonyProblem =
  | 'ceremony_closed'
  | 'ceremony_late'
  | 'ceremony_step_order'
  | 'ceremony_unknown'
  | 'fields_invalid'
  | 'participant_refused'
  | 'routine_unknown';

export class CeremonyError extends Error {
  override readonly name = 'CeremonyError';
  readonly code: CeremonyProblem;
  readonly details: Readonly<Record<string, string>>;

  constructor(code: CeremonyProblem, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

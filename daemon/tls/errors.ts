/** What can be wrong with the TLS files, and what the person should do: in English as the message, in Swedish beside it. */

export type TlsProblem = 'incomplete' | 'corrupt' | 'mismatch' | 'too_open' | 'unreadable' | 'expired' | 'not_yet_valid';

interface TlsTexts {
  readonly en: string;
  readonly sv: string;
}

const NEW_FILES: TlsTexts = {
  en: 'Make new ones with: kortd tls enable --renew',
  sv: 'Gör nya med: kortd tls enable --renew',
};

/** Sorted by problem. */
const ACTIONS: Readonly<Record<TlsProblem, TlsTexts>> = {
  corrupt: NEW_FILES,
  expired: NEW_FILES,
  incomplete: NEW_FILES,
  mismatch: NEW_FILES,
  not_yet_valid: {
    en: 'Set the clock of this computer right, or make new files with: kortd tls enable --renew',
    sv: 'Ställ datorns klocka rätt, eller gör nya filer med: kortd tls enable --renew',
  },
  too_open: {
    en: 'Others may have read the key: make a new one with: kortd tls enable --renew',
    sv: 'Andra kan ha läst nyckeln: gör en ny med: kortd tls enable --renew',
  },
  unreadable: {
    en: 'Run this as the user who owns the data folder.',
    sv: 'Kör detta som den användare som äger datamappen.',
  },
};

/** The TLS files cannot be used as they are. */
export class TlsFilesError extends Error {
  override readonly name = 'TlsFilesError';
  readonly problem: TlsProblem;
  /** The message in Swedish. */
  readonly sv: string;

  /** `happened`: what came back, as a clause without a full stop. */
  constructor(problem: TlsProblem, folder: string, happened: TlsTexts, options?: ErrorOptions) {
    const action = ACTIONS[problem];
    super(`using the TLS files in ${folder}: ${happened.en}. ${action.en}`, options);
    this.problem = problem;
    this.sv = `TLS-filerna i ${folder} kan inte användas: ${happened.sv}. ${action.sv}`;
  }
}

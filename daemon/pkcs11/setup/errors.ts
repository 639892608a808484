/** What can stand in the way of setting a program up, and what the person should do: in English as the message, in Swedish beside it. */

/** Sorted. */
export type SetupProblem =
  | 'database'
  | 'disk_full'
  | 'foreign'
  | 'in_the_way'
  | 'in_use'
  | 'library_missing'
  | 'no_home'
  | 'no_profile'
  | 'not_allowed'
  | 'not_understood'
  | 'path_too_long';

export interface Texts {
  readonly en: string;
  readonly sv: string;
}

export class SetupError extends Error {
  override readonly name = 'SetupError';
  readonly problem: SetupProblem;
  /** The message in Swedish. */
  readonly sv: string;

  constructor(problem: SetupProblem, { en, sv }: Texts, options?: ErrorOptions) {
    super(en, options);
    this.problem = problem;
    this.sv = sv;
  }
}

/** What the system says of a file that it does not let be used, and what a person can do. */
const PROBLEMS: readonly { readonly codes: readonly string[]; readonly problem: SetupProblem; readonly texts: Texts }[] = [
  {
    codes: ['EACCES', 'EPERM', 'EROFS'],
    problem: 'not_allowed',
    texts: {
      en: 'the system does not let this user (CODE). Run this as the user who owns it, or as administrator (sudo) for what is under /etc',
      sv: 'systemet tillåter det inte för den här användaren (CODE). Kör detta som den användare som äger filen, eller som administratör (sudo) för det som ligger under /etc',
    },
  },
  {
    codes: ['EEXIST', 'EISDIR', 'ELOOP', 'ENOENT', 'ENOTDIR'],
    problem: 'in_the_way',
    texts: {
      en: 'something else is where the file or one of its folders belongs, such as a link that leads nowhere (CODE). It is left as it is: take it away, then try again',
      sv: 'något annat finns där filen eller en av dess mappar ska vara, till exempel en länk som inte leder någonstans (CODE). Det lämnas som det är: ta bort det och försök igen',
    },
  },
  {
    codes: ['EDQUOT', 'EFBIG', 'ENOSPC'],
    problem: 'disk_full',
    texts: {
      en: 'there is no room for it (CODE), and it is left as it was. Make room, then try again',
      sv: 'det finns inte plats (CODE), och filen är som den var. Frigör utrymme och försök igen',
    },
  },
];

/** Does something with a file, and says what a person can do where it cannot be done. Throws SetupError. */
export function withFile<R>(path: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const code = String(error.code);
    const found = PROBLEMS.find(({ codes }) => codes.includes(code));
    if (!found) throw error;
    const en = `changing ${path}: ${found.texts.en.replace('CODE', code)}`;
    const sv = `${path} kan inte ändras: ${found.texts.sv.replace('CODE', code)}`;
    throw new SetupError(found.problem, { en, sv }, { cause: error });
  }
}

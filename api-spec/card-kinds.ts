/** What kinds of cards are called: names of standards, the same in every language. */

const NAMES: Readonly<Record<string, string>> = { eid: 'eID', emrtd: 'eMRTD', piv: 'PIV' };

export function kindOf(application: string): string {
  return NAMES[application] ?? application;
}

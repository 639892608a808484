/** Words of the view of the audit log, in English and Swedish. */
import type { AuditProblem } from '../../../../api-spec/methods/audit.ts';
import type { In } from '../language.ts';

interface AuditTexts {
  readonly checking: string;
  readonly check: string;
  readonly whole: (records: number, checkpoints: number) => string;
  readonly broken: string;
  readonly problems: Readonly<Record<AuditProblem['kind'], (sequence: number) => string>>;
  readonly fingerprint: string;
  readonly whatToDo: string;
  readonly filter: string;
  readonly act: string;
  readonly outcome: string;
  readonly all: string;
  readonly succeeded: string;
  readonly failed: string;
  readonly shown: (from: number, to: number, last: number) => string;
  readonly none: string;
  readonly noneHere: string;
  readonly newer: string;
  readonly older: string;
  readonly console: (user: string) => string;
  readonly program: (id: string) => string;
  readonly columns: Readonly<Record<'act' | 'card' | 'number' | 'outcome' | 'time' | 'who', string>>;
}

export const AUDIT_TEXTS: In<AuditTexts> = {
  en: {
    checking: 'Checking the log …',
    check: 'Check the log again',
    whole: (records, checkpoints) =>
      `The log is whole: ${records} records and ${checkpoints} ${checkpoints === 1 ? 'signature' : 'signatures'} were checked, and nothing was changed.`,
    broken: 'The log is not whole',
    problems: {
      changed: (sequence) => `Record ${sequence} is not what was written.`,
      dropped: (sequence) => `Records are missing from number ${sequence} on.`,
      added: (sequence) => `Record ${sequence} was put in afterwards.`,
      reordered: (sequence) => `Records from number ${sequence} on were moved.`,
      bad_checkpoint: (sequence) => `The signature that stands for record ${sequence} is not right.`,
    },
    fingerprint: 'Fingerprint of the key that signs',
    whatToDo: 'Tell the administrator, and keep this computer as it is.',
    filter: 'Show only',
    act: 'What was done',
    outcome: 'How it ended',
    all: 'All',
    succeeded: 'Succeeded',
    failed: 'Failed',
    shown: (from, to, last) => `Records ${from} to ${to} of ${last}`,
    none: 'The log is empty.',
    noneHere: 'None of these records is like that.',
    newer: 'Newer',
    older: 'Older',
    console: (user) => `The console of ${user}`,
    program: (id) => `Program (${id})`,
    columns: { number: 'No.', time: 'Time', who: 'Who', act: 'What', card: 'Card', outcome: 'Outcome' },
  },
  sv: {
    checking: 'Kontrollerar loggen …',
    check: 'Kontrollera loggen igen',
    whole: (records, checkpoints) =>
      `Loggen är hel: ${records} poster och ${checkpoints} ${checkpoints === 1 ? 'signatur' : 'signaturer'} har kontrollerats, och inget har ändrats.`,
    broken: 'Loggen är inte hel',
    problems: {
      changed: (sequence) => `Post ${sequence} är inte som den skrevs.`,
      dropped: (sequence) => `Poster saknas från nummer ${sequence}.`,
      added: (sequence) => `Post ${sequence} har lagts in i efterhand.`,
      reordered: (sequence) => `Poster från nummer ${sequence} har flyttats.`,
      bad_checkpoint: (sequence) => `Signaturen som gäller post ${sequence} stämmer inte.`,
    },
    fingerprint: 'Fingeravtryck av nyckeln som signerar',
    whatToDo: 'Säg till administratören, och låt datorn vara som den är.',
    filter: 'Visa bara',
    act: 'Vad som gjordes',
    outcome: 'Hur det gick',
    all: 'Alla',
    succeeded: 'Lyckades',
    failed: 'Misslyckades',
    shown: (from, to, last) => `Post ${from} till ${to} av ${last}`,
    none: 'Loggen är tom.',
    noneHere: 'Ingen av de här posterna är sådan.',
    newer: 'Nyare',
    older: 'Äldre',
    console: (user) => `Konsolen, ${user}`,
    program: (id) => `Program (${id})`,
    columns: { number: 'Nr', time: 'Tid', who: 'Vem', act: 'Vad', card: 'Kort', outcome: 'Utfall' },
  },
};

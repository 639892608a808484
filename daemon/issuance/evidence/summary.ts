/** What a ceremony was, for programs (`summary.json`) and for people (`summary.html`, Swedish and English; no script, nothing from elsewhere). */
import type { X509Certificate } from 'node:crypto';
import { oneLine } from '../../signing/chain.ts';
import type { Ceremony } from '../ceremony.ts';
import { CHAIN_START } from '../entry-chain.ts';
import type { PersonSeen } from '../entry.ts';
import { SUMMARY_FORMAT, type CardSummary, type EvidenceSummary, type StepSummary } from './contents.ts';
import { certificatesOf, type CeremonyRecord } from './documents.ts';
import { keepUntil } from './retention-time.ts';
import { fingerprintOf } from './seal.ts';

export function summarize({ ceremony, entries }: CeremonyRecord): EvidenceSummary {
  const { id, routine, state, startedAt, updatedAt, isProtected, reports } = ceremony;
  return {
    format: SUMMARY_FORMAT,
    ceremony: id,
    routine: { id: routine.id, version: routine.version, title: routine.title },
    state,
    startedAt,
    endedAt: updatedAt,
    keepUntil: keepUntil(ceremony),
    isProtected,
    reports,
    steps: stepsOf(ceremony),
    cards: cardsOf(ceremony),
    journalHead: entries.at(-1)?.hash ?? CHAIN_START,
  };
}

function stepsOf({ routine, done }: Ceremony): readonly StepSummary[] {
  return routine.steps.flatMap(({ id, kind, title, by }) => {
    const taken = done.get(id);
    if (!taken) return [];
    const role = by === undefined ? undefined : routine.participants[by]?.title;
    return [
      {
        ...{ id, kind, title, time: taken.time },
        ...(role ? { by: role } : {}),
        ...(taken.person ? { person: toRecord(taken.person) } : {}),
      },
    ];
  });
}

function toRecord({ otherHsaIds, ...person }: PersonSeen): Readonly<Record<string, string>> {
  return { ...person, ...(otherHsaIds ? { otherHsaIds: otherHsaIds.join(', ') } : {}) };
}

function cardsOf({ jobs, done }: Ceremony): readonly CardSummary[] {
  return [...jobs].map(([step, job]) => {
    const cardNumber = done.get(step)?.facts['cardNumber'];
    return {
      ...{ step, profile: job.card.profile, serialNumber: job.card.serialNumber },
      ...(cardNumber === undefined ? {} : { cardNumber }),
      certificates: certificatesOf(step, job).map(({ file, certificate }) => ({ file, ...factsOf(certificate) })),
    };
  });
}

function factsOf(certificate: X509Certificate): Omit<CardSummary['certificates'][number], 'file'> {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    serialNumber: certificate.serialNumber,
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    fingerprint: fingerprintOf(certificate),
  };
}

const WORDS = {
  sv: {
    ...{ ceremony: 'Ceremoni', state: 'Utgång', started: 'Påbörjad', ended: 'Avslutad', kept: 'Bevaras till och med' },
    ...{ steps: 'Steg', step: 'Steg', time: 'Tid (UTC)', by: 'Av', person: 'Enligt kortet', statement: 'Undertecknad text' },
    ...{ card: 'Kort', certificate: 'Certifikat', valid: 'Giltigt', files: 'Filer' },
    ...{ finished: 'slutförd', cancelled: 'avbruten', open: 'pågår' },
  },
  en: {
    ...{ ceremony: 'Ceremony', state: 'Outcome', started: 'Started', ended: 'Ended', kept: 'Kept until and including' },
    ...{ steps: 'Steps', step: 'Step', time: 'Time (UTC)', by: 'By', person: 'As the card says', statement: 'Signed text' },
    ...{ card: 'Card', certificate: 'Certificate', valid: 'Valid', files: 'Files' },
    ...{ finished: 'finished', cancelled: 'cancelled', open: 'open' },
  },
} as const;
type Language = keyof typeof WORDS;

const STYLE =
  'body{font:1rem/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}' +
  'td,th{border:1px solid #999;padding:.3rem .5rem;text-align:left;vertical-align:top}hr{margin:3rem 0}';

/** `files`: names of what else the container holds. */
export function renderSummary(ceremony: Ceremony, summary: EvidenceSummary, files: readonly string[]): string {
  const title = escape(`${summary.routine.title.sv} / ${summary.routine.title.en}`);
  const parts = (['sv', 'en'] as const).map((language) => renderIn(language, { ceremony, summary, files })).join('<hr>\n');
  return `<!doctype html>\n<html lang="sv">\n<head><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style></head>\n<body>\n${parts}</body>\n</html>\n`;
}

interface Shown {
  readonly ceremony: Ceremony;
  readonly summary: EvidenceSummary;
  readonly files: readonly string[];
}

function renderIn(language: Language, { ceremony, summary, files }: Shown): string {
  const words = WORDS[language];
  const facts = [
    [words.ceremony, summary.ceremony],
    [words.state, words[ceremony.state]],
    [words.started, summary.startedAt],
    [words.ended, summary.endedAt],
    [words.kept, summary.keepUntil],
  ];
  const steps = summary.steps.map(({ id, title, time, by, person }) => [
    title[language],
    time,
    by?.[language] ?? '',
    personText(person),
    ceremony.done.get(id)?.statement ?? '',
  ]);
  const cards = summary.cards.flatMap(({ cardNumber, serialNumber, certificates }) =>
    certificates.map(({ subject, notBefore, notAfter }) => [
      cardNumber ?? serialNumber,
      subject,
      `${notBefore.slice(0, 10)} – ${notAfter.slice(0, 10)}`,
    ]),
  );
  return [
    `<section lang="${language}">\n<h1>${escape(summary.routine.title[language])}</h1>\n`,
    table(facts),
    `<h2>${words.steps}</h2>\n`,
    table(steps, [words.step, words.time, words.by, words.person, words.statement]),
    ...(cards.length > 0 ? [`<h2>${words.card}</h2>\n`, table(cards, [words.card, words.certificate, words.valid])] : []),
    `<h2>${words.files}</h2>\n<ul>${files.map((name) => `<li>${escape(name)}</li>`).join('')}</ul>\n</section>\n`,
  ].join('');
}

function personText(person: Readonly<Record<string, string>> | undefined): string {
  return ['name', 'hsaId', 'personalNumber', 'cardNumber'].flatMap((field) => person?.[field] ?? []).join(', ');
}

function table(rows: readonly (readonly string[])[], head: readonly string[] = []): string {
  const line = (cells: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>\n`;
  return `<table>\n${head.length > 0 ? line(head, 'th') : ''}${rows.map((row) => line(row, 'td')).join('')}</table>\n`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/gu, (character) => ENTITIES[character] ?? character);
}

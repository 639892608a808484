/** Examples of issuance: a reserve card between the download and the receipt. */
import type { Ceremony } from '../issuance.ts';
import type { Routine } from '../routine.ts';
import { EXAMPLE_CERTIFICATE, EXAMPLE_CERTIFICATE_REQUEST } from './example-certificates.ts';

export const EXAMPLE_CEREMONY_ID = 'ceremony-1f7c2f0c-2f0b-4b53-9c3e-5f7d9f3f8a11';

const person = {
  name: 'Anna Lindqvist',
  hsaId: 'SE2321000016-BENCH1',
  cardNumber: '9752000000000000011',
  assuranceLevel: 'LoA3',
};

/** Cut to what shows the shapes: an order, signed by one administrator, and the download. */
export const EXAMPLE_ROUTINE: Routine = {
  id: 'reserve-card-loa3',
  version: 1,
  title: { en: 'Reserve card, LoA3', sv: 'Reservkort, tillitsnivå 3' },
  participants: {
    operator: { title: { en: 'Administrator 1', sv: 'Administratör 1' }, isAdministrator: true, assuranceLevel: 'LoA3' },
    holder: { title: { en: 'Holder', sv: 'Innehavare' }, notSamePersonAs: ['operator'] },
  },
  steps: [
    {
      id: 'order',
      kind: 'record',
      by: 'operator',
      title: { en: 'Order the card', sv: 'Beställ kortet' },
      fields: { cardNumber: { kind: 'cardNumber', title: { en: 'Card number', sv: 'Kortnummer' } } },
    },
    {
      id: 'ordered',
      kind: 'sign',
      by: 'operator',
      title: { en: 'Sign the order', sv: 'Underteckna beställningen' },
      statement: { en: 'I order the card {order.cardNumber}.', sv: 'Jag beställer kortet {order.cardNumber}.' },
    },
  ],
  retentionYears: 10,
};

export const EXAMPLE_CEREMONY: Ceremony = {
  ceremony: EXAMPLE_CEREMONY_ID,
  routine: { id: EXAMPLE_ROUTINE.id, version: 1, title: EXAMPLE_ROUTINE.title },
  state: 'open',
  startedAt: '2026-03-02T08:02:11.402Z',
  updatedAt: '2026-03-02T08:12:30.118Z',
  isProtected: false,
  nextStep: 'receipt',
  nextCall: 'issuance.sign',
  steps: [
    {
      step: 'ordered',
      kind: 'sign',
      title: { en: 'Sign the order', sv: 'Underteckna beställningen' },
      by: 'operator',
      state: 'done',
      doneAt: '2026-03-02T08:04:40.007Z',
      facts: { ...person, time: '2026-03-02T08:04:40.007Z' },
      person,
      statement: 'Jag beställer kortet 9752000000000000102.',
    },
    {
      step: 'download',
      kind: 'enrol',
      title: { en: 'Download the certificates', sv: 'Hämta certifikaten' },
      by: 'holder',
      state: 'done',
      doneAt: '2026-03-02T08:12:30.118Z',
      facts: { cardNumber: '9752000000000000102', time: '2026-03-02T08:12:30.118Z' },
      job: {
        phase: 'finished',
        card: { application: 'eid', serialNumber: '9752000000000000102' },
        keys: [
          {
            keyReference: '46',
            usage: 'signature',
            algorithm: 'RSA-2048',
            request: EXAMPLE_CERTIFICATE_REQUEST,
            certificate: EXAMPLE_CERTIFICATE,
            isWritten: true,
          },
        ],
      },
    },
    {
      step: 'receipt',
      kind: 'sign',
      title: { en: 'Sign the receipt', sv: 'Underteckna kvittensen' },
      by: 'holder',
      state: 'next',
      dueAt: '2026-03-02T08:27:30.118Z',
      remainingMs: 750_000,
      statement: {
        en: 'I, Cecilia Öberg, have received the reserve card 9752000000000000102 and chosen its PINs myself.',
        sv: 'Jag, Cecilia Öberg, har tagit emot reservkortet 9752000000000000102 och själv valt dess PIN-koder.',
      },
    },
  ],
  reports: [],
};

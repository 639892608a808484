/**
 * What a thousand events a second change on each view of the page that shows the desk: the answers that the page reads whole, and the events, as
 * the daemon makes them. A pad, a scanner and ceremonies that nobody has plugged in or begun.
 */
import type { EventLog } from '../../daemon/api/event-log.ts';
import type { Call } from '../../daemon/api/call.ts';
import { EXAMPLE_CEREMONY } from '../../api-spec/generate/example-issuance.ts';
import { EXAMPLE_PAD, EXAMPLE_PEN } from '../../api-spec/generate/example-pads.ts';
import { EXAMPLE_PROMPT } from '../../api-spec/generate/example-prompt.ts';
import { EXAMPLE_SCANNER, EXAMPLE_SCAN_SUMMARY } from '../../api-spec/generate/example-scan.ts';
import { METHOD_EXAMPLES } from '../../api-spec/generate/examples.ts';
import type { MethodName } from '../../api-spec/methods/index.ts';
import type { Card, Reader } from '../../api-spec/schemas.ts';

const READERS = 8;
/** On the list, and told with their steps: as many as the view has. */
const CEREMONIES = 24;
const SCANS = 64;

const readers: readonly Reader[] = Array.from({ length: READERS }, (_, index) => ({
  ...{ id: `reader-${index}`, name: `Reader ${index}`, source: 'bench', status: 'empty' },
}));
const { card: aCard } = METHOD_EXAMPLES['card.read'].result;
const cards: readonly Card[] = [{ ...aCard, id: 'card-0', reader: 'reader-0' }];
const ceremonyIds = Array.from({ length: CEREMONIES }, (_, index) => `ceremony-${index}`);
const [listed] = METHOD_EXAMPLES['issuance.list'].result.ceremonies;
const pen = (number: number) =>
  [number, 20 + 15 * Math.sin(number / 40), 15 + 10 * Math.cos(number / 31), number, 0.5, 1] as const;

/** Answers of the desk, beside those of the reference's examples. */
export const FLOOD_ANSWERS: Readonly<Partial<Record<MethodName, (params: never, call: Call) => unknown>>> = {
  'access.list': () => ({ grants: [], requests: [] }),
  'card.list': () => ({ cards }),
  'issuance.get': ({ ceremony }: { readonly ceremony: string }) => ({ ...EXAMPLE_CEREMONY, ceremony }),
  'issuance.list': () => ({ ceremonies: ceremonyIds.map((ceremony) => ({ ...listed, ceremony })), total: CEREMONIES }),
  'pad.list': () => ({ pads: [{ ...EXAMPLE_PAD, status: 'capturing' }] }),
  'pad.watch': ({ pad }: { readonly pad: string }, { caller }) => {
    caller.connection?.lookOn(pad);
    return { pad: EXAMPLE_PAD };
  },
  'prompt.list': () => ({ prompts: [] }),
  'reader.list': () => ({ readers }),
  'reader.listRoles': () => ({ roles: [] }),
  'scanner.list': () => ({ scanners: [EXAMPLE_SCANNER], problems: [] }),
  'scanner.listScans': () => ({
    scans: Array.from({ length: SCANS }, (_, index) => ({ ...EXAMPLE_SCAN_SUMMARY, scan: `scan-${index}` })),
  }),
};

export interface Flood {
  readonly title: string;
  /** Where in the page it is seen. */
  readonly view: string;
  /** What is pressed first. */
  readonly button?: string;
  readonly publish: (events: EventLog, count: number) => void;
}

/** The first reader keeps its name: by that the page is known to be there. */
export const READER_FLOOD: Flood = {
  ...{ title: 'readers', view: 'readers' },
  publish: (events, count) => events.publish('reader.changed', { reader: readerAt(count) }),
};

export const OTHER_FLOODS: readonly Flood[] = [
  {
    ...{ title: 'a card and its tries', view: 'readers/card-0' },
    publish: (events) => events.publish('card.changed', { card: { ...aCard, id: 'card-0', reader: 'reader-0' } }),
  },
  {
    ...{ title: 'what waits for a person', view: 'readers' },
    publish: (events, count) => {
      const prompt = `prompt-${Math.floor(count / 2) % READERS}`;
      if (count % 2 === 0) events.publish('prompt.changed', { prompt: { ...EXAMPLE_PROMPT, prompt } });
      else events.publish('prompt.ended', { prompt, outcome: 'answered' });
    },
  },
  {
    ...{ title: 'ceremonies', view: 'ceremonies' },
    publish: (events, count) =>
      events.publish('issuance.changed', {
        ...{ ceremony: ceremonyIds[count % CEREMONIES] ?? '', routine: 'reserve-card-loa3', state: 'open' },
      }),
  },
  {
    ...{ title: 'a ceremony', view: 'ceremonies/ceremony-0' },
    publish: (events) =>
      events.publish('issuance.changed', { ceremony: 'ceremony-0', routine: 'reserve-card-loa3', state: 'open' }),
  },
  {
    ...{ title: 'a pen that writes', view: 'pads', button: 'Look on' },
    publish: (events, count) =>
      events.publish('pad.pen', { ...EXAMPLE_PEN, pad: EXAMPLE_PAD.id, samples: [[...pen(count)]] }, { pad: EXAMPLE_PAD.id }),
  },
  {
    ...{ title: 'scanners and scans', view: 'scans' },
    publish: (events, count) => {
      const stage = (['capturing', 'reading', 'verifying', 'ended'] as const)[count % 4] ?? 'ended';
      if (count % 5 === 0) events.publish('document.judged', { verdict: `verdict-${count}`, scan: 'scan-0' });
      else events.publish('scanner.progress', { scanner: EXAMPLE_SCANNER.id, stage });
    },
  },
];

/** Another name and another state each time. */
export function readerAt(count: number): Reader {
  const reader = readers[count % READERS];
  if (!reader) throw new Error('there are no readers');
  return { ...reader, name: `Reader ${count}`, status: count % 3 === 0 ? 'mute' : 'empty' };
}

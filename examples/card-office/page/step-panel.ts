/** What is to be done now: the step's own controls, by its kind, and the one call that they lead to. Nothing here knows a routine; `nextCall` says what takes it on. */
import type { Params } from '../../../api-spec/methods/index.ts';
import { createCardPanel, type CardPanel } from './card-panel.ts';
import { createRevocation } from './ending.ts';
import {
  certificatesOf,
  definitionOf,
  stepAtWork,
  valueAt,
  whoTakes,
  type Ceremony,
  type Routine,
  type RoutineStep,
  type StepView,
} from './case.ts';
import { numberOf, type Desk, type Seat } from './desk.ts';
import { h } from './dom.ts';
import { download, goOn } from './download.ts';
import { exampleFields } from './example-order.ts';
import { createFields, fieldsToFillIn, type Fields } from './fields.ts';
import { language, say, type Text } from './language.ts';
import type { Kortd } from './kortd.ts';
import { WORDS } from './words.ts';

/** Does the work, and resolves with how the case stands then. */
export type Action = (signal: AbortSignal, onProgress: (ceremony: Ceremony) => void) => Promise<Ceremony>;

export interface PanelOptions {
  readonly kortd: Kortd;
  readonly desk: Desk;
  readonly ceremony: Ceremony;
  readonly routine: Routine;
  readonly isSimulated: boolean;
  /** What was typed in this step. */
  readonly draft: Map<string, string>;
  readonly run: (action: Action) => void;
}

export interface StepPanel {
  readonly title: string;
  readonly who: string | undefined;
  readonly body: readonly Node[];
  /** Sends what is filled in, or begins. */
  readonly action: { readonly title: string; readonly do: Action } | undefined;
  readonly fields?: Fields;
  /** The card that it is about. */
  readonly seat: () => Seat | undefined;
  readonly refresh: () => void;
}

type StepCall = Params<'issuance.readCard'>;
type Actions = Readonly<Partial<Record<NonNullable<Ceremony['nextCall']>, StepPanel['action']>>>;

interface Parts {
  readonly panel: PanelOptions;
  readonly step: StepView;
  readonly definition: RoutineStep;
  readonly who: string | undefined;
}

export function createStepPanel(options: PanelOptions): StepPanel | undefined {
  const { ceremony, routine } = options;
  if (ceremony.state !== 'open') return undefined;
  if (ceremony.nextCall === 'issuance.confirm') return createConfirmation(options);
  const step = stepAtWork(ceremony);
  const definition = step && definitionOf(routine, step);
  if (!definition) return undefined;
  const parts = { panel: options, step, definition, who: whoTakes(routine, step.by) };
  if (definition.kind === 'record') return createRecord(parts, definition);
  return definition.kind === 'enrol' ? createDownload(parts, definition) : createWithCard(parts);
}

function createRecord({ panel, step, who }: Parts, definition: Extract<RoutineStep, { kind: 'record' }>): StepPanel {
  const { kortd, desk, ceremony, draft, isSimulated } = panel;
  const holder = desk.seatOfRole('holder');
  const cardNumber = (): string | undefined =>
    numberOf(desk.seatOfRole('holder') ?? { reader: { name: '', id: '', source: '', status: 'empty' } });
  const definitions = fieldsToFillIn(definition.fields);
  const fields = createFields(definitions, { draft, cardNumber });
  const fill = (): void => fields.fill(exampleFields(cardNumber()));
  const isLong = Object.keys(definitions).length > 1;
  const example = isSimulated && isLong && h('button', { type: 'button', class: 'small', click: fill }, say(WORDS.fillExample));
  return {
    ...{ title: say(definition.title), who, fields },
    body: [fields.element, ...(example ? [example] : [])],
    action: {
      title: say(WORDS.record),
      do: (signal) =>
        kortd.call('issuance.record', { ceremony: ceremony.ceremony, step: step.step, fields: fields.values() }, signal),
    },
    seat: () => holder,
    refresh: () => undefined,
  };
}

/** One card, one call. */
function createWithCard(parts: Parts): StepPanel {
  const { step, definition, who } = parts;
  const card = cardPanelOf(parts);
  const action = actionWithCard(parts, card);
  return {
    ...{ title: say(definition.title), who, action },
    body: [
      ...(definition.kind === 'sign' ? [createStatement(step.statement)] : []),
      ...(action ? [card.element] : [h('p', {}, say(WORDS.elsewhereDone))]),
    ],
    seat: () => card.seat(),
    refresh: () => card.refresh(),
  };
}

/** Undefined: a step that this page leaves to another program. */
function actionWithCard({ panel: { kortd, ceremony }, step }: Parts, card: CardPanel): StepPanel['action'] {
  const id = ceremony.ceremony;
  const params = (): StepCall => ({ ceremony: id, step: step.step, ...card.target() });
  const actions: Actions = {
    'issuance.readCard': { title: say(WORDS.readCard), do: (signal) => kortd.call('issuance.readCard', params(), signal) },
    'issuance.resume': {
      title: say(WORDS.continueDownload),
      do: (signal) => goOn(ceremony, kortd, signal),
    },
    'issuance.sign': {
      title: say(WORDS.sign),
      do: (signal) => kortd.call('issuance.sign', { ...params(), language: language() }, signal),
    },
    'issuance.unblockPin': { title: say(WORDS.unblockPin), do: (signal) => kortd.call('issuance.unblockPin', params(), signal) },
    'issuance.verifyPin': { title: say(WORDS.verifyPin), do: (signal) => kortd.call('issuance.verifyPin', params(), signal) },
  };
  return ceremony.nextCall && actions[ceremony.nextCall];
}

/** In the language in which it is signed: kortd signs that text. A text that somebody signed already stays as it is. */
function createStatement(statement: Text | string | undefined): HTMLElement {
  const text = typeof statement === 'object' ? say(statement) : (statement ?? '');
  return h('figure', { class: 'statement' }, h('figcaption', {}, say(WORDS.willSign)), h('blockquote', {}, h('p', {}, text)));
}

function createDownload({ panel, step, definition, who }: Parts, enrol: Extract<RoutineStep, { kind: 'enrol' }>): StepPanel {
  const { kortd, ceremony } = panel;
  const card = cardPanelOf({ panel, step, definition, who });
  const phase = step.job?.phase;
  const isUndoing = phase === 'undoing';
  const explanation = isUndoing
    ? ceremony.reports.includes('revocation')
      ? WORDS.undoLate
      : WORDS.undoText
    : WORDS.downloadText;
  const title = isUndoing ? WORDS.takeBack : phase === undefined ? WORDS.download : WORDS.continueDownload;
  return {
    ...{ title: isUndoing ? say(WORDS.undoTitle) : say(definition.title), who },
    body: [
      h('p', {}, say(explanation)),
      ...(isUndoing && ceremony.reports.includes('revocation') ? [createRevocation(certificatesOf(ceremony))] : []),
      card.element,
    ],
    action: {
      title: say(title),
      do: (signal, onProgress) => download(ceremony, { kortd, step: enrol, target: card.target(), signal, onProgress }),
    },
    seat: () => card.seat(),
    refresh: () => card.refresh(),
  };
}

function createConfirmation({ kortd, ceremony }: PanelOptions): StepPanel {
  return {
    ...{ title: say(WORDS.confirmTitle), who: undefined },
    body: [h('p', {}, say(WORDS.confirmText))],
    action: {
      title: say(WORDS.confirm),
      do: async (signal) => goOn(await kortd.call('issuance.confirm', { ceremony: ceremony.ceremony }, signal), kortd, signal),
    },
    seat: () => undefined,
    refresh: () => undefined,
  };
}

function cardPanelOf({ panel: { desk, ceremony }, definition, who }: Parts): CardPanel {
  const path = 'cardNumber' in definition ? definition.cardNumber : undefined;
  const participant = definition.by ?? '';
  return createCardPanel({ desk, participant, who: who ?? participant, expected: valueAt(ceremony, path) });
}

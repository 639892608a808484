/** The fields of a step as a form: a control with its label for each, as the routine describes them, and what is wrong beside each. */
import type { RoutineField } from '../../../api-spec/routine.ts';
import { h } from './dom.ts';
import { say } from './language.ts';
import { WORDS } from './words.ts';

type Control = HTMLInputElement | HTMLSelectElement;

export interface Fields {
  readonly element: HTMLElement;
  values(): Readonly<Record<string, string>>;
  fill(values: Readonly<Record<string, string>>): void;
  /** Marks these. Returns the first. */
  showProblems(problems: ReadonlyMap<string, string>): HTMLElement | undefined;
}

interface Row {
  readonly element: HTMLElement;
  readonly control: Control;
  readonly problem: HTMLElement;
}

export interface FieldsOptions {
  /** What was typed before, so that a change of language loses nothing. Kept in memory alone: it is about persons. */
  readonly draft: Map<string, string>;
  /** Of the card in the holder's reader, for a card number. */
  readonly cardNumber: () => string | undefined;
}

/** Without what names evidence of a scanner or a pad: this page works with neither, and nobody types such an id. */
export function fieldsToFillIn(definitions: Readonly<Record<string, RoutineField>>): Readonly<Record<string, RoutineField>> {
  const isOfDevice = ({ kind, optional }: RoutineField): boolean =>
    optional === true && (kind === 'documentVerdict' || kind === 'padSignature');
  return Object.fromEntries(Object.entries(definitions).filter(([, field]) => !isOfDevice(field)));
}

export function createFields(definitions: Readonly<Record<string, RoutineField>>, options: FieldsOptions): Fields {
  const rows = new Map(Object.entries(definitions).map(([name, field]) => [name, createRow(name, field, options)]));
  const { draft } = options;
  const fill = (values: Readonly<Record<string, string>>): void => {
    for (const [name, { control }] of rows) {
      const value = values[name];
      if (value === undefined) continue;
      if (isCheckbox(control)) control.checked = value === 'yes';
      else control.value = value;
    }
  };
  const element = h('div', { class: 'fields', input: () => remember() }, ...[...rows.values()].map((row) => row.element));
  const remember = (): void => {
    for (const [name, { control }] of rows) draft.set(name, valueOf(control));
  };
  fill(Object.fromEntries(draft));
  return {
    element,
    values: () =>
      Object.fromEntries(
        [...rows].flatMap(([name, { control }]): [string, string][] => {
          const value = valueOf(control).trim();
          return value === '' ? [] : [[name, value]];
        }),
      ),
    fill: (values) => {
      fill(values);
      remember();
    },
    showProblems: (problems) => {
      let first: Control | undefined;
      for (const [name, { control, problem }] of rows) {
        const text = problems.get(name);
        problem.textContent = text ?? '';
        control.toggleAttribute('aria-invalid', false);
        if (text === undefined) continue;
        control.setAttribute('aria-invalid', 'true');
        first ??= control;
      }
      return first;
    },
  };
}

function createRow(name: string, field: RoutineField, { cardNumber }: FieldsOptions): Row {
  const [id, problemId] = [`field-${name}`, `problem-${name}`];
  const control = createControl(id, problemId, field);
  const problem = h('p', { id: problemId, class: 'problem' });
  const title = say(field.title);
  const label = h('label', { for: id }, field.optional ? say(WORDS.optional, { title }) : title);
  if (isCheckbox(control)) return { element: h('div', { class: 'field tick' }, control, label, problem), control, problem };
  const take = (): void => {
    control.value = cardNumber() ?? control.value;
    control.dispatchEvent(new Event('input', { bubbles: true }));
    control.focus();
  };
  const button =
    field.kind === 'cardNumber' && h('button', { type: 'button', class: 'small', click: take }, say(WORDS.takeNumber));
  return { element: h('div', { class: `field ${field.kind}` }, label, control, button, problem), control, problem };
}

function createControl(id: string, problemId: string, field: RoutineField): Control {
  const common = { id, 'aria-describedby': problemId, 'aria-required': field.optional ? 'false' : 'true', autocomplete: 'off' };
  switch (field.kind) {
    case 'choice':
      return h(
        'select',
        common,
        h('option', { value: '' }, say(WORDS.choose)),
        ...Object.entries(field.choices ?? {}).map(([value, title]) => h('option', { value }, say(title))),
      );
    case 'confirmation':
      return h('input', { ...common, type: 'checkbox' });
    case 'date':
    case 'birthDate':
      return h('input', { ...common, type: 'date', max: '9999-12-31' });
    case 'integer':
    case 'cardNumber':
    case 'personalNumber':
      return h('input', { ...common, type: 'text', inputmode: 'numeric', spellcheck: 'false' });
    case 'text':
    case 'hsaId':
    case 'passportNumber':
    case 'documentVerdict':
    case 'padSignature':
      return h('input', { ...common, type: 'text', spellcheck: 'false', maxlength: String(field.maxLength ?? 200) });
  }
}

function isCheckbox(control: Control): control is HTMLInputElement {
  return control instanceof HTMLInputElement && control.type === 'checkbox';
}

function valueOf(control: Control): string {
  if (isCheckbox(control)) return control.checked ? 'yes' : '';
  return control.value;
}

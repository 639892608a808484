/** One prompt on the screen. It shows who asks before anything else, and everything that comes from outside as text between our own words. */
/** @import { Asker, Prompt } from '../../prompt/prompt.ts' */
/** @import { Step, ConfirmStep, EnterStep, Field } from './prompt-steps.js' */
/** @import { Texts, Language } from './texts.js' */
/** @import { Entries } from './entries.js' */
import { watchArming } from './arming.js';
import { element } from './dom.js';
import { areEqual, problemOf } from './entries.js';
import { stepsOf } from './prompt-steps.js';
import { sanitise } from './sanitise.js';
import { SCOPES } from './scopes.js';
import { TEXTS } from './texts.js';

/** Of a name that is cut: its end fits into two lines of a narrow window. */
const NAME_LENGTH = 60;
/** What can be seen on demand: longer than any host name (253 characters, RFC 1035, section 2.3.4). */
const WHOLE_NAME_LENGTH = 1_000;
/** What is signed word for word is seen whole (daemon/prompt/station-messages.ts, MAX_STATEMENT_LENGTH). */
const MAX_STATEMENT_LENGTH = 8_000;

/**
 * @typedef {object} Outcomes exactly one is called, once
 * @property {(entries: Entries) => void} onEntries
 * @property {() => void} onApproved
 * @property {() => void} onCancelled
 */

/** @typedef {{ input: HTMLInputElement, field: Field, error: HTMLElement, isRepeat: boolean }} FieldView */

export class PromptView {
  /** @type {HTMLElement} */
  element;
  /** @type {Prompt} */
  #prompt;
  /** @type {Outcomes} */
  #outcomes;
  /** @type {readonly Step[]} */
  #steps;
  #index = 0;
  #isArmed = false;
  #step = new AbortController();
  /** @type {Texts} */
  #texts = TEXTS.en;
  /** @type {Language} */
  #language = 'en';
  /** @type {readonly FieldView[]} */
  #fields = [];
  #secondsLeft = element('p', { class: 'seconds', 'aria-hidden': 'true' });

  /**
   * @param {Prompt} prompt
   * @param {Outcomes} outcomes
   */
  constructor(prompt, outcomes) {
    this.#prompt = prompt;
    this.#outcomes = outcomes;
    this.#steps = stepsOf(prompt);
    this.element = element('section', { class: 'prompt', 'aria-labelledby': 'prompt-title asker' });
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /** What a notification may say: nothing of what others wrote. */
  get title() {
    return this.#texts.titles[this.#prompt.kind === 'pin' ? this.#prompt.action : this.#prompt.kind];
  }

  /**
   * Shows the step that the person is at, in this language; what was typed is gone then.
   * @param {Language} language
   */
  show(language) {
    this.#language = language;
    this.#texts = TEXTS[language];
    const step = this.#steps[this.#index];
    if (!step) return;
    this.close();
    this.#step = new AbortController();
    const isWarning = step.kind === 'confirm' || this.#steps[0]?.kind === 'confirm';
    this.element.setAttribute('role', step.kind === 'enter' ? 'dialog' : 'alertdialog');
    this.element.classList.toggle('warning', isWarning);
    const parts = [
      this.#asker(this.#prompt.asker),
      element('h2', { id: 'prompt-title' }, [this.title]),
      this.#details(),
      ...this.#documents(),
      ...this.#partsOf(step),
      this.#secondsLeft,
    ];
    const described = parts.filter(({ id }) => id !== '' && id !== 'asker' && id !== 'prompt-title').map(({ id }) => id);
    this.element.setAttribute('aria-describedby', described.join(' '));
    this.element.replaceChildren(...parts);
    const swallowsKeys = this.#index === 0;
    watchArming({ signal: this.#step.signal, swallowsKeys, onChange: (isArmed) => this.#arm(isArmed) });
    this.focus();
  }

  /** The safe answer, or where to type. */
  focus() {
    /** @type {HTMLElement | null} */
    const first = this.element.querySelector('[data-first]');
    first?.focus();
  }

  /** @param {number} seconds */
  showTime(seconds) {
    this.#secondsLeft.textContent = this.#texts.secondsLeft(seconds);
    this.#secondsLeft.classList.toggle('few', seconds <= 15);
  }

  /** Empties the fields and ends what listens. */
  close() {
    this.#step.abort();
    for (const { input } of this.#fields) input.value = '';
    this.#fields = [];
  }

  /** @param {Step} step */
  #partsOf(step) {
    if (step.kind === 'enter') return this.#enterParts(step);
    if (step.kind === 'documents') return this.#documentsParts();
    return step.kind === 'confirm' ? this.#confirmParts(step) : this.#consentParts();
  }

  /** @param {Asker} asker */
  #asker({ kind, name }) {
    const shown = sanitise(name, { cut: 'start', max: NAME_LENGTH });
    const whole = sanitise(name, { cut: 'start', max: WHOLE_NAME_LENGTH });
    const label = element('p', { class: 'label' }, [this.#texts.asker[kind]]);
    const box = element('p', { class: 'name', dir: 'ltr' }, nameParts(kind, shown, whole));
    if (shown === whole) return element('div', { id: 'asker', class: 'asker' }, [label, box]);
    const button = element('button', { type: 'button', class: 'link', 'aria-expanded': 'false' }, [this.#texts.showAll]);
    button.addEventListener('click', () => {
      box.replaceChildren(...nameParts(kind, whole, whole));
      button.remove();
      this.focus();
    });
    return element('div', { id: 'asker', class: 'asker' }, [label, box, button]);
  }

  #details() {
    const { kind } = this.#prompt;
    /** @type {readonly (readonly [string, string | undefined, number?])[]} */
    const rows =
      kind === 'consent'
        ? [[this.#texts.reason, this.#prompt.reason]]
        : [
            [this.#texts.card, this.#prompt.card],
            [this.#texts.task, this.#prompt.task?.[this.#texts.language]],
            [this.#texts.pin, this.#prompt.pinLabel],
            [this.#texts.purpose, this.#prompt.purpose],
            [this.#texts.statement, this.#prompt.statement, MAX_STATEMENT_LENGTH],
          ];
    const list = element('dl', { id: 'details' });
    for (const [term, text, max] of rows) {
      if (text === undefined || text === '') continue;
      const said = element('bdi', {}, [sanitise(text, max === undefined ? {} : { max })]);
      // Only what others say is quoted.
      const [before = '', after = ''] = term === this.#texts.task ? [] : this.#texts.quote('\n').split('\n');
      list.append(element('div', {}, [element('dt', {}, [term]), element('dd', {}, [before, said, after])]));
    }
    return list;
  }

  /** What is signed: all of it, in a box that is scrolled with the keyboard too. */
  #documents() {
    if (this.#prompt.kind === 'consent' || !this.#prompt.documents) return [];
    const { names, checksum } = this.#prompt.documents;
    const [before = '', after = ''] = this.#texts.quote('\n').split('\n');
    const items = names.map((name) => element('li', {}, [before, element('bdi', {}, [sanitise(name)]), after]));
    const title = element('p', { id: 'documents' }, [
      element('strong', {}, [this.#texts.documents(names.length)]),
      element('span', { class: 'hint' }, [` ${this.#texts.checksum}: `, element('code', { dir: 'ltr' }, [sanitise(checksum)])]),
    ]);
    const list = element('ol', { class: 'documents', tabindex: '0', 'aria-labelledby': 'documents' }, items);
    list.style.setProperty('--digits', String(String(names.length).length));
    return [title, list];
  }

  #documentsParts() {
    const texts = this.#texts;
    if (this.#prompt.kind !== 'documents') return [];
    const question = this.#prompt.keypadFollows ? `${texts.signQuestion} ${texts.keypad}` : texts.signQuestion;
    return [
      element('p', { id: 'question' }, [question]),
      element('div', { class: 'buttons' }, [
        this.#button(texts.sign, 'primary', () => this.#finish(() => this.#outcomes.onApproved())),
        this.#button(texts.cancel, 'plain', () => this.#cancel(), { 'data-first': '' }),
      ]),
    ];
  }

  /** @param {ConfirmStep} step */
  #confirmParts({ entry, isKnown, isLast }) {
    const texts = this.#texts;
    const question = isLast ? `${texts.keypad} ${texts.lastTryQuestion}` : texts.lastTryQuestion;
    const approve = isLast ? () => this.#finish(() => this.#outcomes.onApproved()) : () => this.#next();
    return [
      this.#warning(entry, isKnown),
      element('p', { id: 'question' }, [question]),
      element('div', { class: 'buttons' }, [
        this.#button(texts.useLastTry, 'danger', approve),
        this.#button(texts.cancel, 'plain', () => this.#cancel(), { 'data-first': '' }),
      ]),
    ];
  }

  /** @param {EnterStep} step */
  #enterParts({ fields }) {
    const texts = this.#texts;
    const before = this.#steps[0];
    const tries = this.#prompt.kind === 'pin' ? this.#prompt.triesLeft : undefined;
    const top =
      before?.kind === 'confirm'
        ? this.#warning(before.entry, before.isKnown)
        : element('p', { id: 'tries', class: 'tries' }, [texts.triesLeft(tries ?? 1)]);
    const capsLock = element('p', { class: 'hint', role: 'status' });
    const views = fields.flatMap((field) => [this.#field(field, false), ...(field.twice ? [this.#field(field, true)] : [])]);
    this.#fields = views.map(({ view }) => view);
    this.#fields[0]?.input.setAttribute('data-first', '');
    const form = element('form', { autocomplete: 'off', novalidate: '' }, [
      ...views.map(({ row }) => row),
      capsLock,
      element('div', { class: 'buttons' }, [
        this.#button(texts.confirm, 'primary', () => undefined, { type: 'submit' }),
        this.#button(texts.cancel, 'plain', () => this.#cancel()),
      ]),
    ]);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    form.addEventListener('keydown', (event) => {
      capsLock.textContent = event.getModifierState('CapsLock') ? texts.capsLock : '';
    });
    return [top, form];
  }

  #consentParts() {
    const texts = this.#texts;
    if (this.#prompt.kind !== 'consent') return [];
    const scopes = this.#prompt.scopes.map((scope) => element('li', {}, [SCOPES[scope]?.[this.#language] ?? sanitise(scope)]));
    return [
      element('div', { id: 'scopes' }, [element('p', { class: 'label' }, [texts.wants]), element('ul', {}, scopes)]),
      element('div', { id: 'code', class: 'code' }, [
        element('p', { class: 'label' }, [texts.code]),
        element('p', { class: 'digits', dir: 'ltr' }, [sanitise(this.#prompt.code)]),
        element('p', { class: 'hint' }, [texts.codeHelp]),
      ]),
      element('div', { class: 'buttons' }, [
        this.#button(texts.allow, 'primary', () => this.#finish(() => this.#outcomes.onApproved())),
        this.#button(texts.deny, 'plain', () => this.#cancel(), { 'data-first': '' }),
      ]),
    ];
  }

  /**
   * @param {'pin' | 'puk'} entry
   * @param {boolean} isKnown
   */
  #warning(entry, isKnown) {
    const { title, text } = this.#texts.lastTry[isKnown ? entry : 'unknown'];
    const blocked = isKnown ? '' : ` ${this.#texts.lastTry[entry].text}`;
    return element('div', { id: 'warning', class: 'alarm' }, [
      element('strong', {}, [title]),
      element('p', {}, [text + blocked]),
    ]);
  }

  /**
   * @param {Field} field
   * @param {boolean} isRepeat
   */
  #field(field, isRepeat) {
    const texts = this.#texts;
    const id = isRepeat ? 'repeat' : field.name;
    const input = element('input', {
      id: `field-${id}`,
      type: 'password',
      // Browsers offer to keep what they take for a password, whatever "off" says; a code for one use they do not.
      autocomplete: 'one-time-code',
      autocapitalize: 'none',
      autocorrect: 'off',
      spellcheck: 'false',
      'aria-required': 'true',
      'aria-describedby': `hint-${id} error-${id}`,
    });
    const hint = element('span', { id: `hint-${id}`, class: 'hint' }, [
      field.twice && !isRepeat ? texts.range(field.range.min, field.range.max) : '',
    ]);
    const error = element('p', { id: `error-${id}`, class: 'error' });
    const label = element('label', { for: input.id }, [texts.fields[id]]);
    return { row: element('div', { class: 'field' }, [label, hint, input, error]), view: { input, field, error, isRepeat } };
  }

  /**
   * @param {string} text
   * @param {'primary' | 'danger' | 'plain'} look
   * @param {() => void} press
   * @param {Record<string, string>} [attributes]
   */
  #button(text, look, press, attributes = {}) {
    const button = element('button', { type: 'button', class: look, 'data-answer': '', ...attributes }, [text]);
    button.addEventListener('click', (event) => {
      // A form is submitted by Enter too: its own listener looks whether it may.
      if (attributes['type'] === 'submit') return;
      event.preventDefault();
      if (this.#isArmed) press();
    });
    return button;
  }

  /** @param {boolean} isArmed */
  #arm(isArmed) {
    this.#isArmed = isArmed;
    for (const button of this.element.querySelectorAll('[data-answer]')) {
      if (isArmed) button.removeAttribute('aria-disabled');
      else button.setAttribute('aria-disabled', 'true');
    }
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.key === 'Escape' && this.#isArmed) {
      event.preventDefault();
      this.#cancel();
    }
    if (event.key !== 'Enter' || !(event.target instanceof HTMLInputElement)) return;
    // Enter goes on to the field that is still empty, and answers from the last one.
    const at = this.#fields.findIndex(({ input }) => input === event.target);
    const next = this.#fields.slice(at + 1).find(({ input }) => input.value === '');
    if (!next || this.#fields[at]?.input.value === '') return;
    event.preventDefault();
    next.input.focus();
  }

  #submit() {
    if (!this.#isArmed) return;
    const encoder = new TextEncoder();
    const typed = this.#fields.map((view) => ({ ...view, bytes: encoder.encode(view.input.value) }));
    const problems = typed.map(({ bytes, field, isRepeat }, index) => {
      const previous = typed[index - 1];
      if (isRepeat && previous) return areEqual(bytes, previous.bytes) ? undefined : this.#texts.mismatch;
      return this.#describe(bytes, field);
    });
    for (const [index, { input, error }] of typed.entries()) showProblem(input, error, problems[index]);
    const wrong = typed[problems.findIndex((problem) => problem !== undefined)];
    const kept = typed.filter(({ isRepeat }) => !isRepeat);
    if (wrong) {
      for (const { bytes } of typed) bytes.fill(0);
      wrong.input.focus();
      wrong.input.select();
      return;
    }
    for (const { bytes, isRepeat } of typed) if (isRepeat) bytes.fill(0);
    this.#finish(() => this.#outcomes.onEntries(kept.map(({ field, bytes }) => [field.name, bytes])));
  }

  /**
   * @param {Uint8Array} bytes
   * @param {Field} field
   */
  #describe(bytes, { range }) {
    const problem = problemOf(bytes, range);
    if (problem === undefined) return undefined;
    if (problem === 'empty') return this.#texts.empty;
    const text = this.#texts.length(range.min, range.max);
    return bytes.some((byte) => byte > 0x7f) ? `${text} ${this.#texts.lengthHelp}` : text;
  }

  #next() {
    this.#index++;
    this.show(this.#language);
  }

  #cancel() {
    this.#finish(() => this.#outcomes.onCancelled());
  }

  /** @param {() => void} tell */
  #finish(tell) {
    this.close();
    tell();
  }
}

/**
 * The host is what tells whose page it is: it stands out.
 * @param {Asker['kind']} kind
 * @param {string} shown
 * @param {string} whole
 */
function nameParts(kind, shown, whole) {
  const [, scheme = '', host = '', port = ''] = (kind === 'origin' && /^([a-z-]+:\/\/)(.*?)(:\d{1,5})?$/.exec(whole)) || [];
  if (host === '') return [element('strong', {}, [shown])];
  const isCut = shown !== whole;
  const shownHost = isCut ? shown.slice(0, shown.length - port.length) : host;
  return [isCut ? '' : scheme, element('strong', {}, [shownHost]), port];
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} error
 * @param {string | undefined} problem
 */
function showProblem(input, error, problem) {
  error.textContent = problem ?? '';
  if (problem === undefined) input.removeAttribute('aria-invalid');
  else input.setAttribute('aria-invalid', 'true');
}

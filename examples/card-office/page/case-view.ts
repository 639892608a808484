/** One case on the page: its steps, what is to be done now, and how it ended. It shows what kortd says; reloaded, it shows the same again. */
import { goOn } from './download.ts';
import { stepAtWork, type Ceremony, type Routine } from './case.ts';
import { openCancelDialog } from './cancel-dialog.ts';
import { startCountdown, type Countdown } from './countdown.ts';
import { unlessGone, type Desk } from './desk.ts';
import { announce, focusOn, h } from './dom.ts';
import { createEnding } from './ending.ts';
import { language, say } from './language.ts';
import type { Kortd } from './kortd.ts';
import { explain, fieldProblems } from './problems.ts';
import { createStepPanel, type Action, type StepPanel } from './step-panel.ts';
import { createJobTable, createStepsList } from './steps-list.ts';
import { WORDS } from './words.ts';

export interface CaseOptions {
  readonly kortd: Kortd;
  readonly desk: Desk;
  readonly routine: Routine;
  readonly ceremony: Ceremony;
  readonly isSimulated: boolean;
}

export class CaseView {
  readonly element = h('div', { class: 'case' });
  readonly #options: CaseOptions;
  readonly #aside = h('nav', {});
  readonly #panel = h('section', { class: 'panel', 'aria-labelledby': 'panel-title' });
  /** Stays, so that what is said in it is heard. */
  readonly #problem = h('div', { class: 'alarm', role: 'alert', hidden: true });
  readonly #job = h('div', { class: 'job-place' });
  readonly #drafts = new Map<string, Map<string, string>>();
  #ceremony: Ceremony;
  #step: StepPanel | undefined;
  #countdown: Countdown | undefined;
  /** What failed, as long as the same is to be done. */
  #failure: { readonly error: unknown } | undefined;
  /** A call is under way. */
  #work: AbortController | undefined;
  #shown = '';

  constructor(options: CaseOptions) {
    this.#options = options;
    this.#ceremony = options.ceremony;
    this.render();
  }

  get id(): string {
    return this.#ceremony.ceremony;
  }

  /** The language changed, or the case came into view. */
  render(): void {
    const { routine } = this.#options;
    const header = h(
      'header',
      {},
      h('p', {}, h('a', { href: '#' }, `← ${say(WORDS.allCases)}`)),
      h('h1', {}, say(routine.title)),
    );
    this.element.replaceChildren(header, h('div', { class: 'columns' }, this.#aside, this.#panel));
    this.#shown = '';
    const failure = this.#failure;
    this.#show(this.#ceremony);
    if (failure) this.#tellProblem(failure);
  }

  focus(): void {
    const title = this.#panel.querySelector('h2');
    if (title) focusOn(title);
  }

  /** An event told that it came on: here, at another desk, or by the clock. */
  async refresh(): Promise<void> {
    this.#show(await this.#options.kortd.call('issuance.get', { ceremony: this.id }));
  }

  deskChanged(): void {
    this.#step?.refresh();
  }

  /** kortd asks for a PIN in this moment. */
  pinPrompted(where: string): void {
    const waiting = this.#panel.querySelector('.waiting-text');
    if (!this.#work || !waiting) return;
    waiting.textContent = say(where === 'keypad' ? WORDS.pinOnKeypad : WORDS.pinPrompted);
    waiting.parentElement?.scrollIntoView({ block: 'nearest' });
  }

  leave(): void {
    this.#countdown?.stop();
    this.#work?.abort(new Error('the page shows something else'));
  }

  #show(ceremony: Ceremony): void {
    this.#ceremony = ceremony;
    const { routine } = this.#options;
    const done = ceremony.steps.filter(({ state }) => state === 'done').length;
    const all = ceremony.steps.length;
    this.#aside.setAttribute('aria-label', say(WORDS.steps));
    const n = Math.min(done + 1, all);
    const progress = ceremony.state === 'open' ? say(WORDS.stepOf, { n, all }) : say(WORDS[ceremony.state]);
    this.#aside.replaceChildren(h('p', { class: 'progress' }, progress), createStepsList(ceremony, routine));
    const table = ceremony.state === 'open' ? createJobTable(ceremony) : undefined;
    this.#job.replaceChildren(...(table ? [table] : []));
    // Under somebody's hands, nothing is exchanged.
    const key = [ceremony.state, ceremony.nextStep, ceremony.nextCall, stepAtWork(ceremony)?.job?.phase, language()].join();
    if (this.#work || key === this.#shown) return;
    this.#shown = key;
    this.#showPanel(ceremony);
  }

  #showPanel(ceremony: Ceremony): void {
    this.#countdown?.stop();
    this.#countdown = undefined;
    this.#forgetProblem();
    const { kortd, desk, routine, isSimulated } = this.#options;
    const draft = this.#draftOf(ceremony.nextStep ?? '');
    const run = (action: Action): void => void this.#run(action);
    this.#step = createStepPanel({ kortd, desk, ceremony, routine, isSimulated, draft, run });
    if (!this.#step) {
      this.#panel.replaceChildren(...createEnding(ceremony));
      return;
    }
    const { title, who, body, action } = this.#step;
    const at = stepAtWork(ceremony);
    if (at?.dueAt !== undefined && at.remainingMs !== undefined)
      this.#countdown = startCountdown(at.dueAt, at.remainingMs, () => void this.refresh().catch(unlessGone));
    const submit = (event: Event): void => {
      event.preventDefault();
      if (action) run(action.do);
    };
    const form = h(
      'form',
      { novalidate: true, submit },
      ...body,
      this.#job,
      h(
        'div',
        { class: 'actions' },
        action && h('button', { type: 'submit', class: 'primary' }, action.title),
        h('button', { type: 'button', class: 'quiet', click: () => this.#cancel() }, say(WORDS.cancel)),
      ),
      h('div', { class: 'waiting', role: 'status' }),
    );
    this.#panel.replaceChildren(
      h('h2', { id: 'panel-title' }, title),
      ...(who === undefined ? [] : [h('p', { class: 'soft' }, say(WORDS.by, { who }))]),
      ...(at?.notice ? [h('p', { class: 'notice' }, say(at.notice))] : []),
      ...(this.#countdown ? [this.#countdown.element] : []),
      this.#problem,
      form,
    );
  }

  async #run(action: Action): Promise<void> {
    if (this.#work) return;
    const work = new AbortController();
    this.#work = work;
    this.#forgetProblem();
    this.#step?.fields?.showProblems(new Map());
    this.#showWaiting(work);
    const failure = await action(work.signal, (ceremony) => this.#show(ceremony)).then(
      (ceremony) => {
        this.#ceremony = ceremony;
        return undefined;
      },
      (error: unknown) => ({ error }),
    );
    this.#work = undefined;
    const panelBefore = this.#step;
    await this.refresh().catch(() => this.#show(this.#ceremony));
    this.#options.desk.forget();
    this.#panel.querySelector('.waiting')?.replaceChildren();
    this.#setBusy(false);
    if (failure) this.#showProblem(failure.error, { wasStopped: work.signal.aborted });
    else if (this.#step !== panelBefore) this.#goOn();
  }

  /** The next thing is read from its heading on. */
  #goOn(): void {
    this.focus();
    const { state } = this.#ceremony;
    if (state !== 'open') announce(say(WORDS[state]));
  }

  #showWaiting(work: AbortController): void {
    this.#setBusy(true);
    const stop = (): void => work.abort(new Error('the person stopped it'));
    const waiting = this.#panel.querySelector('.waiting');
    waiting?.replaceChildren(
      h('p', { class: 'waiting-text' }, say(WORDS.working)),
      h('button', { type: 'button', class: 'small', click: stop }, say(WORDS.stopWaiting)),
    );
    waiting?.scrollIntoView({ block: 'nearest' });
  }

  /** Buttons stay where they are, and keep the focus; nothing is begun twice. */
  #setBusy(isBusy: boolean): void {
    if (isBusy) this.#panel.setAttribute('aria-busy', 'true');
    else this.#panel.removeAttribute('aria-busy');
    for (const button of this.#panel.querySelectorAll('.actions button')) {
      if (isBusy) button.setAttribute('aria-disabled', 'true');
      else button.removeAttribute('aria-disabled');
    }
  }

  #showProblem(error: unknown, { wasStopped }: { readonly wasStopped: boolean }): void {
    if (wasStopped) {
      announce(say(WORDS.stopped));
      this.focus();
      return;
    }
    const firstWrong = this.#tellProblem({ error });
    if (firstWrong) firstWrong.focus();
    else focusOn(this.#problem);
  }

  /** In the language of the moment; the focus stays where it is. Returns the first field that is wrong. */
  #tellProblem(failure: { readonly error: unknown }): HTMLElement | undefined {
    this.#failure = failure;
    const problems = fieldProblems(failure.error);
    const { who, seat } = this.#step ?? {};
    const scene = { ...(who === undefined ? {} : { who }), seat: seat?.() };
    const lines = problems.size > 0 ? [say(WORDS.correct)] : explain(failure.error, scene);
    this.#problem.replaceChildren(h('h3', {}, say(WORDS.problem)), ...lines.map((line) => h('p', {}, line)));
    this.#problem.hidden = false;
    return problems.size > 0 ? this.#step?.fields?.showProblems(problems) : undefined;
  }

  #forgetProblem(): void {
    this.#failure = undefined;
    this.#problem.hidden = true;
  }

  #cancel(): void {
    if (this.#work) return;
    const { kortd } = this.#options;
    const hasCard = this.#ceremony.steps.some(({ job }) => job !== undefined);
    void openCancelDialog({ hasCard }).then((answer) => {
      if (!answer) return;
      void this.#run(async (signal) =>
        goOn(await kortd.call('issuance.cancel', { ceremony: this.id, ...answer }, signal), kortd, signal),
      );
    });
  }

  #draftOf(step: string): Map<string, string> {
    const draft = this.#drafts.get(step) ?? new Map<string, string>();
    this.#drafts.set(step, draft);
    return draft;
  }
}

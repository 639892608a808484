/** The page as a whole: at rest it says whether kortd can ask here; with a prompt it shows that and nothing else. One prompt at a time. */
/** @import { Prompt } from '../../prompt/prompt.ts' */
/** @import { ToStation } from '../../prompt/station-messages.ts' */
/** @import { ConnectionState } from './connection.js' */
/** @import { Language, Notice } from './texts.js' */
import { showAttention } from './attention.js';
import { Connection } from './connection.js';
import { byId } from './dom.js';
import { takeIntoMessage } from './entries.js';
import { PromptView } from './prompt-view.js';
import { chooseLanguage, TEXTS } from './texts.js';

const TICK_MS = 500;
const HURRY_SECONDS = 15;
/** What became of the last prompt is of no interest later. */
const NOTICE_MS = 60_000;

/** @typedef {{ id: number, prompt: Prompt, deadline: number, view: PromptView, isHurried: boolean }} Waiting */

class Page {
  /** @type {Language} */
  #language = chooseLanguage(navigator.languages);
  /** @type {ConnectionState} */
  #state = 'connecting';
  #user = '';
  /** @type {Notice | undefined} */
  #notice;
  #noticeEnds = 0;
  /** The first is on the screen. @type {Waiting[]} */
  #waiting = [];
  /** Where the person was before a prompt came. @type {Element | null} */
  #focusBefore = null;
  #connection = new Connection({
    onState: (state, user) => this.#onState(state, user),
    onMessage: (message) => this.#onMessage(message),
  });

  async start() {
    for (const button of document.querySelectorAll('[data-language]')) {
      button.addEventListener('click', () => this.#choose(button.getAttribute('data-language') === 'sv' ? 'sv' : 'en'));
    }
    byId('show-desk').addEventListener('click', () => void this.#showDesk());
    setInterval(() => this.#tick(), TICK_MS);
    this.#render();
    await this.#connection.start();
  }

  /** @param {Language} language */
  #choose(language) {
    this.#language = language;
    this.#render();
    this.#waiting[0]?.view.show(language);
    this.#tick();
  }

  /** In a window that knows nothing of this one. */
  async #showDesk() {
    const url = await this.#connection.linkToDesk().catch(() => undefined);
    if (url !== undefined) window.open(url, '_blank', 'noopener,noreferrer');
  }

  /**
   * @param {ConnectionState} state
   * @param {string} user
   */
  #onState(state, user) {
    const isNews = state !== this.#state;
    this.#state = state;
    this.#user = user;
    if (state !== 'connected' && this.#waiting.length > 0) {
      for (const { view } of this.#waiting) view.close();
      this.#waiting = [];
      this.#note('lost');
      this.#showFirst();
    }
    this.#render();
    if (isNews) say('polite', TEXTS[this.#language].states[state].title);
  }

  /** @param {ToStation} message */
  #onMessage(message) {
    if (message.type === 'withdraw') this.#remove(message.id, 'withdrawn');
    else this.#add(message);
  }

  /** @param {Extract<ToStation, { type: 'prompt' }>} message */
  #add({ id, prompt, timeoutMs }) {
    const view = new PromptView(prompt, {
      onEntries: (entries) => {
        this.#connection.sendEntries(takeIntoMessage(id, entries));
        this.#remove(id, 'sent');
      },
      onApproved: () => {
        this.#connection.answer(id, 'approved');
        this.#remove(id, noticeOf(prompt));
      },
      onCancelled: () => {
        this.#connection.answer(id, 'cancelled');
        this.#remove(id, prompt.kind === 'consent' ? 'denied' : 'cancelled');
      },
    });
    this.#waiting.push({ id, prompt, deadline: performance.now() + timeoutMs, view, isHurried: false });
    if (this.#waiting.length === 1) this.#showFirst();
  }

  /**
   * @param {number} id
   * @param {Notice} notice
   */
  #remove(id, notice) {
    const index = this.#waiting.findIndex((waiting) => waiting.id === id);
    const [gone] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (!gone) return;
    gone.view.close();
    if (index > 0) return;
    this.#note(notice);
    this.#showFirst();
    this.#render();
    say('polite', TEXTS[this.#language].notices[notice]);
  }

  /** @param {Notice} notice */
  #note(notice) {
    this.#notice = notice;
    this.#noticeEnds = performance.now() + NOTICE_MS;
  }

  /** The prompt that is first now, or the page at rest. */
  #showFirst() {
    const [first] = this.#waiting;
    const stage = byId('stage');
    const isAtRest = !byId('rest').hidden;
    byId('rest').hidden = first !== undefined;
    if (first) {
      if (isAtRest) this.#focusBefore = document.activeElement;
      stage.replaceChildren(first.view.element);
      first.view.show(this.#language);
      this.#tick();
      say('urgent', first.view.title);
    } else {
      stage.replaceChildren();
      const before = this.#focusBefore;
      if (before instanceof HTMLElement && before.isConnected && before !== document.body) before.focus();
      else byId('rest-title').focus();
    }
    const texts = TEXTS[this.#language];
    showAttention(first ? texts.waiting : 'kortd', first?.view.title);
  }

  /** Nobody answered in time: kortd hears of it, and would soon give up by itself. */
  #tick() {
    const now = performance.now();
    for (const { id, deadline } of [...this.#waiting]) {
      if (deadline > now) continue;
      this.#connection.answer(id, 'timed_out');
      this.#remove(id, 'timedOut');
    }
    if (this.#notice !== undefined && this.#noticeEnds <= now) {
      this.#notice = undefined;
      this.#render();
    }
    const [first] = this.#waiting;
    if (!first) return;
    const seconds = Math.ceil((first.deadline - now) / 1000);
    first.view.showTime(seconds);
    if (seconds > HURRY_SECONDS || first.isHurried) return;
    first.isHurried = true;
    say('polite', TEXTS[this.#language].hurry);
  }

  #render() {
    const texts = TEXTS[this.#language];
    document.documentElement.lang = this.#language;
    document.body.dataset['state'] = this.#state;
    byId('user').textContent = this.#user === '' ? '' : texts.user(this.#user);
    byId('languages').setAttribute('aria-label', texts.languages);
    for (const button of document.querySelectorAll('[data-language]'))
      button.setAttribute('aria-pressed', String(button.getAttribute('data-language') === this.#language));
    byId('rest-title').textContent = texts.states[this.#state].title;
    byId('rest-text').textContent = texts.states[this.#state].text;
    byId('show-desk').textContent = texts.showDesk;
    byId('show-desk').hidden = this.#state !== 'connected';
    byId('notice').textContent = this.#notice === undefined ? '' : texts.notices[this.#notice];
    document.title = this.#waiting.length > 0 ? texts.waiting : 'kortd';
  }
}

/**
 * What follows when the person agreed.
 * @param {Prompt} prompt
 * @returns {Notice}
 */
function noticeOf(prompt) {
  if (prompt.kind === 'consent') return 'allowed';
  return prompt.kind === 'documents' && !prompt.keypadFollows ? 'sent' : 'keypad';
}

/**
 * For those who hear the page.
 * @param {'polite' | 'urgent'} id
 * @param {string} text
 */
function say(id, text) {
  byId(id).textContent = text;
}

await new Page().start();

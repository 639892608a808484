/** The time that is left for a step: it runs by the page's own clock from what kortd said was left, and is said aloud now and then, not each second. */
import { announce, h } from './dom.ts';
import { say, sayTime } from './language.ts';
import { WORDS } from './words.ts';

/** Minutes left at which it is said aloud. */
const SAID_AT = [10, 5, 2, 1];
/** Longer than this, a day is told instead. */
const SHOWN_MS = 24 * 60 * 60_000;
/** Less than this is shown as urgent. */
const URGENT_MS = 2 * 60_000;

export interface Countdown {
  readonly element: HTMLElement;
  stop(): void;
}

/** `remainingMs` is as kortd told it just now: the clocks of the two need not agree. */
export function startCountdown(dueAt: string, remainingMs: number, onEnd: () => void): Countdown {
  const element = h('p', { class: 'countdown', role: 'timer' });
  if (remainingMs > SHOWN_MS) {
    element.textContent = say(WORDS.daysLeft, { time: sayTime(dueAt) });
    return { element, stop: () => undefined };
  }
  const end = performance.now() + remainingMs;
  const show = (): void => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1_000));
    const [minutes, seconds] = [Math.floor(left / 60), left % 60];
    element.textContent = left === 0 ? say(WORDS.timeIsOut) : say(WORDS.timeLeft, { minutes, seconds });
    element.classList.toggle('urgent', left * 1_000 < URGENT_MS);
    if (seconds === 0 && SAID_AT.includes(minutes)) announce(say(WORDS.minutesLeft, { minutes }));
    if (left > 0) return;
    stop();
    announce(say(WORDS.timeIsOut));
    onEnd();
  };
  const timer = setInterval(show, 1_000);
  const stop = (): void => clearInterval(timer);
  show();
  return { element, stop };
}

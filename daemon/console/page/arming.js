/**
 * A prompt that appears under typing hands must not be answered by them. It is armed when the person has had it in front of them, and has typed
 * nothing, for a moment; until then keys go nowhere. A PIN is never cut in half: either nothing of it was taken, or everything.
 */

/** Longer than the time between two keys of a slow typist is short; shorter than it takes to read who asks. */
export const QUIET_MS = 500;

/** Keys of the browser and the system, not of the page. */
const PASSED_ON = /^(F\d+|Shift|Control|Alt|AltGraph|Meta|CapsLock|NumLock)$/;

/**
 * @typedef {object} ArmingOptions
 * @property {(isArmed: boolean) => void} onChange
 * @property {boolean} swallowsKeys until it is armed for the first time
 * @property {AbortSignal} signal ends it
 */

/** @param {ArmingOptions} options */
export function watchArming({ onChange, swallowsKeys, signal }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isArmed = false;
  let swallows = swallowsKeys;
  const set = (/** @type {boolean} */ value) => {
    isArmed = value;
    if (value) swallows = false;
    onChange(value);
  };
  const restart = () => {
    clearTimeout(timer);
    if (isArmed) set(false);
    if (signal.aborted || document.visibilityState !== 'visible' || !document.hasFocus()) return;
    timer = setTimeout(() => set(true), QUIET_MS);
  };
  const swallow = (/** @type {Event} */ event) => {
    if (!swallows) return;
    const isPassedOn =
      event instanceof KeyboardEvent && (event.ctrlKey || event.altKey || event.metaKey || PASSED_ON.test(event.key));
    if (!isPassedOn) {
      event.preventDefault();
      event.stopPropagation();
    }
    restart();
  };
  for (const type of ['keydown', 'beforeinput']) document.addEventListener(type, swallow, { capture: true, signal });
  for (const type of ['focus', 'blur']) window.addEventListener(type, restart, { signal });
  document.addEventListener('visibilitychange', restart, { signal });
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  onChange(false);
  restart();
}

/** The daemon rests most of the day: soon after its start, and now and then, it gives back what it no longer uses. */

/** What is loaded late, and the first look at every card, is over by then. */
const AFTER_START_MS = 2_000;
const EVERY_MS = 600_000;

/** Disposal ends it. `giveBack` takes some milliseconds; what it throws is a defect. */
export function keepIdleMemoryLow(giveBack: () => void): Disposable {
  const first = setTimeout(giveBack, AFTER_START_MS).unref();
  const next = setInterval(giveBack, EVERY_MS).unref();
  return {
    [Symbol.dispose]: () => {
      clearTimeout(first);
      clearInterval(next);
    },
  };
}

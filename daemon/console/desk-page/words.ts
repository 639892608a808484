/** What kortd calls its methods, and says of its errors, for people: read once, when a view first needs them. daemon/console/assets.ts makes them. */
import { useEffect } from 'preact/hooks';
import type { In } from './language.ts';
import { Value, useReadable } from './readable.ts';

interface Words {
  /** "Signing the PDF". */
  readonly methods: Readonly<Record<string, In<string>>>;
  /** Methods that leave a record in the audit log. */
  readonly acts: readonly string[];
  /** By error code: what came back. */
  readonly outcomes: Readonly<Record<string, In<string>>>;
}

const NONE: Words = { methods: {}, acts: [], outcomes: {} };
const words = new Value<Words>(NONE);
let reading: Promise<void> | undefined;

/** Without words until they are there, and where they cannot be had: names and codes stand for themselves then. */
export function useWords(): Words {
  useEffect(() => {
    reading ??= read().catch(() => void (reading = undefined));
  }, []);
  return useReadable(words);
}

async function read(): Promise<void> {
  const answer = await fetch('/words.json');
  if (!answer.ok) throw new Error(`reading the words: ${answer.status}`);
  words.set((await answer.json()) as Words);
}

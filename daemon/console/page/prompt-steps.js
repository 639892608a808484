/** What a prompt asks of the person, one step after the other: the last try is confirmed before anything can be typed. */
/** @import { PinLength, Prompt } from '../../prompt/prompt.ts' */
/** @import { EntryName } from './entries.js' */

/**
 * @typedef {{ name: EntryName, range: PinLength, twice: boolean }} Field
 * @typedef {{ kind: 'confirm', entry: 'pin' | 'puk', isKnown: boolean, isLast: boolean }} ConfirmStep
 * @typedef {{ kind: 'enter', fields: readonly Field[] }} EnterStep
 * @typedef {ConfirmStep | EnterStep | { kind: 'consent' } | { kind: 'documents' }} Step
 */

/**
 * @param {Prompt} prompt
 * @returns {readonly Step[]}
 */
export function stepsOf(prompt) {
  if (prompt.kind === 'consent') return [{ kind: 'consent' }];
  if (prompt.kind === 'documents') return [{ kind: 'documents' }];
  const isKnown = prompt.triesLeft !== undefined;
  if (prompt.kind === 'lastTry') return [{ kind: 'confirm', entry: prompt.entry, isKnown, isLast: true }];
  const guarded = prompt.action === 'unblock' ? 'puk' : 'pin';
  const range = guarded === 'puk' ? (prompt.pukLength ?? prompt.pinLength) : prompt.pinLength;
  /** @type {Field[]} */
  const fields = [{ name: guarded, range, twice: false }];
  if (prompt.action !== 'verify') fields.push({ name: 'newPin', range: prompt.pinLength, twice: true });
  /** @type {Step} */
  const enter = { kind: 'enter', fields };
  if (isKnown && prompt.triesLeft > 1) return [enter];
  return [{ kind: 'confirm', entry: guarded, isKnown, isLast: false }, enter];
}

/** The dialog that asks whether a web page or a program may have what it asks for. */
import { SCOPES, type Scope } from '../../../api-spec/scopes.ts';
import type { ConsentPrompt } from '../prompt.ts';
import { escapeText, MAX_LINE_BYTES } from './assuan.ts';
import type { Dialog } from './dialog.ts';
import { MAX_VALUE_LENGTH, sanitise } from './sanitise.ts';
import type { PromptLanguage } from './texts.ts';

const COMMAND = 'SETDESC ';

/** Resolves when the person allowed it. */
export async function askForConsent(dialog: Dialog, prompt: ConsentPrompt, language: PromptLanguage): Promise<void> {
  const { allow: yes, deny: no } = dialog.texts;
  await dialog.confirm({ description: describe(dialog, prompt, language), yes, no });
}

/**
 * All of it goes into one line of the protocol: where that is short, it is the reason that gives way, and then the beginning of the asker's name. What is asked for stands
 * there whole.
 */
function describe(dialog: Dialog, prompt: ConsentPrompt, language: PromptLanguage): string {
  const { texts } = dialog;
  const scopes = [...new Set(prompt.scopes)].map((scope) => `– ${wordsOf(scope, language)}`);
  const before = [`${texts.code} ${sanitise(prompt.code)}`, '', texts.wants, ...scopes];
  const after = ['', texts.compareCode];
  const compose = (reason: string, nameLength: number): string => {
    const lines = reason === '' ? [] : [`${texts.reason} ${texts.quote(reason)}`];
    return [dialog.askerLine(prompt.asker, nameLength), ...before, ...lines, ...after].join('\n');
  };
  const roomBeside = (text: string): number => MAX_LINE_BYTES - COMMAND.length - escapeText(text).length;
  const least = prompt.reason === undefined ? '' : '…';
  const nameLength = Math.min(MAX_VALUE_LENGTH, MAX_VALUE_LENGTH + roomBeside(compose(least, MAX_VALUE_LENGTH)));
  if (prompt.reason === undefined) return compose('', nameLength);
  const room = roomBeside(compose('…', nameLength));
  return compose(sanitise(prompt.reason, { maxLength: Math.min(MAX_VALUE_LENGTH, Math.max(1, room)) }), nameLength);
}

function wordsOf(scope: Scope, language: PromptLanguage): string {
  return language === 'sv' ? SCOPES[scope].sv : SCOPES[scope].summary;
}

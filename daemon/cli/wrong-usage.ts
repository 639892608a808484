/** What commander says of a command line that makes no sense, in Swedish: by its form. What is not of a known form is told as it came; names and values are never changed. */
import { said } from './language.ts';

const FORMS: readonly (readonly [RegExp, string])[] = [
  [/^error: missing required argument '(.+)'$/, 'fel: argumentet $1 saknas'],
  [/^error: option '(.+)' argument missing$/, 'fel: flaggan $1 saknar värde'],
  [/^error: required option '(.+)' not specified$/, 'fel: flaggan $1 måste anges'],
  [/^error: option '(.+?)' argument '(.*)' is invalid\. (.+)$/s, 'fel: flaggan $1 kan inte ha värdet ”$2”: $3'],
  [/^error: command-argument value '(.*)' is invalid for argument '(.+?)'\. (.+)$/s, 'fel: argumentet $2 kan inte vara ”$1”: $3'],
  [/^error: unknown option '(.+)'$/, 'fel: okänd flagga: $1'],
  [/^error: unknown command '(.+)'$/, 'fel: okänt kommando: $1'],
  [
    /^error: too many arguments(?: for '(.+?)')?\. Expected (\d+) arguments? but got (\d+).*$/s,
    'fel: för många argument: $3 i stället för $2',
  ],
  [/^\(Did you mean one of (.+)\?\)$/, '(Menade du något av $1?)'],
  [/^\(Did you mean (.+)\?\)$/, '(Menade du $1?)'],
];

/** Of one message, with its suggestion below. */
export function wrongUsage(message: string): string {
  const text = message.trimEnd();
  const end = message.slice(text.length);
  const [, first = text, suggestion] = /^(.*)\n(\(Did you mean .+\?\))$/s.exec(text) ?? [];
  const sv = [first, ...(suggestion === undefined ? [] : [suggestion])].map(inSwedish).join('\n');
  return said({ en: text, sv }) + end;
}

function inSwedish(text: string): string {
  const form = FORMS.find(([pattern]) => pattern.test(text));
  return form ? text.replace(form[0], form[1]) : text;
}

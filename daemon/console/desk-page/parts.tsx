/** What several views draw: words of others, times, badges, problems, lists of facts. */
import type { ComponentChildren, JSX } from 'preact';
import { CallError } from '../../../api-spec/client/client.ts';
import { sanitise } from '../page/sanitise.js';
import { useLanguage, useTexts, type In } from './language.ts';
import { FRAME_TEXTS } from './texts.ts';
import type { Answer } from './use-live.ts';

/** Words of a card, a device, a page or a program: one line, without characters that reorder or hide. */
export function Foreign({ text, cut = 'end' }: { readonly text: string; readonly cut?: 'start' | 'end' }): JSX.Element {
  return <bdi class="foreign">{sanitise(text, { cut })}</bdi>;
}

/** `tone`: never told by colour alone, the text says it too. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }): JSX.Element {
  return <span class={`badge ${tone}`}>{children}</span>;
}
export type Tone = 'bad' | 'good' | 'quiet' | 'warning';

/** A point in time, as the person's language writes it. */
export function Moment({
  iso,
  precision = 'second',
}: {
  readonly iso: string;
  readonly precision?: 'day' | 'second';
}): JSX.Element {
  const format = FORMATS[useLanguage()][precision];
  const date = new Date(iso);
  return <time dateTime={iso}>{Number.isNaN(date.getTime()) ? sanitise(iso) : format.format(date)}</time>;
}

/** Made once: making one takes longer than drawing the tile that it stands in. */
const FORMATS: In<Readonly<Record<'day' | 'second', Intl.DateTimeFormat>>> = { en: formatsOf('en-GB'), sv: formatsOf('sv-SE') };

function formatsOf(tag: string): Readonly<Record<'day' | 'second', Intl.DateTimeFormat>> {
  return {
    day: new Intl.DateTimeFormat(tag, { dateStyle: 'medium' }),
    second: new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'medium' }),
  };
}

export type Fact = readonly [name: string, value: ComponentChildren];

/** Those without a value are left out. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }): JSX.Element {
  const known = facts.filter(([, value]) => value !== undefined && value !== false && value !== '');
  return (
    <dl class="facts">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What went wrong, in kortd's own words for people. */
export function Problem({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }): JSX.Element {
  const language = useLanguage();
  const texts = useTexts(FRAME_TEXTS);
  return (
    <div class="problem" role="alert">
      <p>{error instanceof CallError ? error.error[language] : texts.failed}</p>
      {onRetry && (
        <button type="button" class="plain" onClick={onRetry}>
          {texts.askAgain}
        </button>
      )}
    </div>
  );
}

export function Loading(): JSX.Element {
  return <p class="soft">{useTexts(FRAME_TEXTS).loading}</p>;
}

interface AnsweredProps<R> {
  readonly answer: Answer<R>;
  readonly children: (result: R) => ComponentChildren;
}

/** The answer of a call; while there is none, that it is on its way, or why it did not come. */
export function Answered<R>({ answer, children }: AnsweredProps<R>): JSX.Element {
  const { result, error, askAgain } = answer;
  if (result !== undefined) return <>{children(result)}</>;
  return error === undefined ? <Loading /> : <Problem error={error} onRetry={askAgain} />;
}

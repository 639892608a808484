/** What waits for a person, with who asks and since when. It is answered where it is asked, never here. */
import type { JSX } from 'preact';
import type { OpenPrompt } from '../../../api-spec/prompts.ts';
import { useLanguage, useTexts } from './language.ts';
import { Facts, Foreign, Moment } from './parts.tsx';
import { addressOf } from './route.ts';
import { Still } from './still.tsx';
import { useTopic } from './use-live.ts';
import { countOf, waiting, type WaitingState } from './waiting-state.ts';
import { WAITING_TEXTS } from './waiting-texts.ts';

/** Nothing is there while nothing waits, but for what a screen reader hears. */
export function Waiting(): JSX.Element {
  const texts = useTexts(WAITING_TEXTS);
  const state = useTopic(waiting);
  const isEmpty = !state || countOf(state) === 0;
  return (
    <section class={isEmpty ? 'unseen' : 'waiting'} aria-labelledby="waiting-people">
      <h2 id="waiting-people" hidden={isEmpty}>
        {texts.title}
      </h2>
      <ul class="tiles" aria-live="polite">
        {state && !isEmpty && <Tiles state={state} />}
      </ul>
    </section>
  );
}

function Tiles({ state: { prompts, requests } }: { readonly state: WaitingState }): JSX.Element {
  return (
    <>
      {[...prompts.values()].map((prompt) => (
        <li key={prompt.prompt}>
          <Still on={[prompt]}>{() => <PromptTile prompt={prompt} />}</Still>
        </li>
      ))}
      {[...requests.values()].map(({ code, origin, requestedAt }) => (
        <li key={code}>
          <RequestTile origin={origin} requestedAt={requestedAt} />
        </li>
      ))}
    </>
  );
}

function PromptTile({ prompt }: { readonly prompt: OpenPrompt }): JSX.Element {
  const texts = useTexts(WAITING_TEXTS);
  const language = useLanguage();
  const { kind, action = 'verify', asker, card, pinLabel, reader, task, where = 'later', since } = prompt;
  const asked = kind === 'pin' ? action : kind === 'consent' ? 'access' : kind;
  return (
    <article class="tile" data-prompt={kind}>
      <h3>{texts.asked[asked]}</h3>
      <Facts
        facts={[
          [texts.asker, <Foreign text={asker.name} cut={asker.kind === 'origin' ? 'start' : 'end'} />],
          [texts.card, card !== undefined && <Foreign text={card} />],
          [texts.pin, pinLabel !== undefined && <Foreign text={pinLabel} />],
          [texts.task, task?.[language]],
          [texts.where, texts.places[where]],
          [texts.reader, reader !== undefined && <Foreign text={reader} />],
          [texts.since, <Moment iso={since} />],
        ]}
      />
    </article>
  );
}

function RequestTile({ origin, requestedAt }: { readonly origin: string; readonly requestedAt: string }): JSX.Element {
  const texts = useTexts(WAITING_TEXTS);
  return (
    <article class="tile" data-prompt="consent">
      <h3>{texts.asked.access}</h3>
      <Facts
        facts={[
          [texts.asker, <Foreign text={origin} cut="start" />],
          [texts.since, <Moment iso={requestedAt} />],
        ]}
      />
      <p>
        <a href={addressOf('access')}>{texts.look}</a>
      </p>
    </article>
  );
}

/** Beside the view that lists them, so that they are seen from every other. */
export function WaitingCount(): JSX.Element | null {
  const texts = useTexts(WAITING_TEXTS);
  const state = useTopic(waiting);
  const count = state ? countOf(state) : 0;
  if (count === 0) return null;
  return (
    <>
      {' '}
      <span class="count">{texts.count(count)}</span>
    </>
  );
}

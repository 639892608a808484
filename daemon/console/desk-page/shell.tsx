/** The frame around every view: who is shown what, whether it is live, where one can go, in which language. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { chooseLanguage, useLanguage, useTexts, type Language } from './language.ts';
import { useReadable } from './readable.ts';
import { addressOf, route } from './route.ts';
import { FRAME_TEXTS } from './texts.ts';
import { useLinkState } from './use-live.ts';
import type { View } from './view.ts';
import { WaitingCount } from './waiting.tsx';
import { VIEWS } from './views/index.ts';

const LANGUAGES: readonly (readonly [Language, string])[] = [
  ['en', 'English'],
  ['sv', 'Svenska'],
];

export function Shell({ user }: { readonly user: string }): JSX.Element {
  const language = useLanguage();
  const texts = useTexts(FRAME_TEXTS);
  const [id, ...path] = useReadable(route);
  const view = VIEWS.find((candidate) => candidate.id === id) ?? VIEWS[0];
  const heading = useRef<HTMLHeadingElement>(null);
  const address = [view.id, ...path].join('/');
  useEffect(() => {
    document.title = `${view.title[language]} – kortd`;
  }, [view, language]);
  useFocusOnChange(heading, address);
  return (
    <>
      <header>
        <a class="skip" href={addressOf(view.id, ...path)} onClick={() => heading.current?.focus()}>
          {texts.skip}
        </a>
        <span class="brand">kortd</span>
        {user !== '' && <span class="soft">{texts.user(user)}</span>}
        <Languages />
      </header>
      <Navigation current={view} />
      <LinkNotice />
      <main>
        <h1 ref={heading} tabIndex={-1}>
          {view.title[language]}
        </h1>
        <view.Component path={path} />
      </main>
    </>
  );
}

/** Whoever goes to another view by keyboard or hears the page begins at its heading. */
function useFocusOnChange(heading: { readonly current: HTMLElement | null }, address: string): void {
  const before = useRef(address);
  useEffect(() => {
    if (before.current !== address) heading.current?.focus();
    before.current = address;
  }, [address]);
}

function Languages(): JSX.Element {
  const language = useLanguage();
  return (
    <div class="languages" role="group" aria-label={useTexts(FRAME_TEXTS).languages}>
      {LANGUAGES.map(([tag, name]) => (
        <button type="button" key={tag} lang={tag} aria-pressed={tag === language} onClick={() => chooseLanguage(tag)}>
          {name}
        </button>
      ))}
    </div>
  );
}

function Navigation({ current }: { readonly current: View }): JSX.Element {
  const language = useLanguage();
  return (
    <nav aria-label={useTexts(FRAME_TEXTS).views}>
      <ul>
        {VIEWS.map((view) => (
          <li key={view.id}>
            <a href={addressOf(view.id)} aria-current={view === current ? 'page' : undefined}>
              {view.title[language]}
              {view === VIEWS[0] && <WaitingCount />}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Always there, so that a change is heard; seen while there is something to say. */
function LinkNotice(): JSX.Element {
  const state = useLinkState();
  const text = useTexts(FRAME_TEXTS).states[state];
  return (
    <p role="status" data-state={state} class={state === 'connected' ? 'link unseen' : 'link'}>
      {text}
    </p>
  );
}

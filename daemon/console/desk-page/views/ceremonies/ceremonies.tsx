/** The ceremonies of the card office: what is under way, whose turn it is and how long they have; and what has ended. */
import type { JSX } from 'preact';
import type { Result } from '../../../../../api-spec/methods/index.ts';
import type { Ceremony } from '../../../../../api-spec/issuance.ts';
import type { Routine } from '../../../../../api-spec/routine.ts';
import { useLanguage, useTexts } from '../../language.ts';
import { Answered, Badge, Moment } from '../../parts.tsx';
import { addressOf } from '../../route.ts';
import { Still } from '../../still.tsx';
import { useAnswer, useTopic } from '../../use-live.ts';
import type { View, ViewProps } from '../../view.ts';
import { useAskAgain } from '../ask-again.ts';
import { ceremonyChanges, changesOf, type CeremonyChanges } from './ceremonies-state.ts';
import { describeCeremony, nextStepOf } from './ceremony-model.ts';
import { CEREMONY_TEXTS } from './ceremony-texts.ts';
import { CeremonyPage } from './ceremony.tsx';
import { Clock } from './clock.tsx';

export const ceremoniesView: View = { id: 'ceremonies', title: { en: 'Ceremonies', sv: 'Ärenden' }, Component: Ceremonies };

type Summary = Result<'issuance.list'>['ceremonies'][number];

/** So many are listed; of those under way, so many with their steps. */
const LISTED = { limit: 100 };
const WITH_STEPS = 12;

function Ceremonies({ path: [id] }: ViewProps): JSX.Element {
  const state = useTopic(ceremonyChanges);
  return id === undefined ? <CeremonyList state={state} /> : <CeremonyPage id={id} state={state} />;
}

function CeremonyList({ state }: { readonly state: CeremonyChanges | undefined }): JSX.Element {
  const texts = useTexts(CEREMONY_TEXTS);
  const answer = useAnswer('issuance.list', LISTED);
  useAskAgain(state?.count, answer.askAgain);
  return (
    <Answered answer={answer}>
      {({ ceremonies }) => {
        const open = ceremonies.filter((one) => one.state === 'open');
        const ended = ceremonies.filter((one) => one.state !== 'open');
        if (ceremonies.length === 0)
          return (
            <div class="empty">
              <h2>{texts.none}</h2>
              <p>{texts.noneHelp}</p>
            </div>
          );
        return (
          <>
            <section aria-labelledby="open">
              <h2 id="open">{texts.open}</h2>
              {open.length === 0 && <p class="soft">{texts.noneOpen}</p>}
              <ul class="tiles">
                {open.map((one, index) => (
                  <li key={one.ceremony}>
                    {index < WITH_STEPS ? (
                      <OpenTile summary={one} state={state} />
                    ) : (
                      <Still on={[one, state?.routines]}>{() => <Tile summary={one} state={state} />}</Still>
                    )}
                  </li>
                ))}
              </ul>
            </section>
            {ended.length > 0 && (
              <section aria-labelledby="ended">
                <h2 id="ended">{texts.ended}</h2>
                <ul class="tiles">
                  {ended.map((one) => (
                    <li key={one.ceremony}>
                      <Still on={[one, state?.routines]}>{() => <Tile summary={one} state={state} />}</Still>
                    </li>
                  ))}
                </ul>
              </section>
            )}
          </>
        );
      }}
    </Answered>
  );
}

interface TileProps {
  readonly summary: Summary;
  readonly state: CeremonyChanges | undefined;
}

function Tile({ summary: { ceremony, routine, state, updatedAt }, state: changes }: TileProps): JSX.Element {
  const texts = useTexts(CEREMONY_TEXTS);
  return (
    <article class="tile" aria-labelledby={`tile-${ceremony}`}>
      <h3 id={`tile-${ceremony}`}>
        <a href={addressOf('ceremonies', ceremony)}>{useRoutineTitle(changes?.routines, routine)}</a>
      </h3>
      <p class="badges">
        <Badge tone={state === 'finished' ? 'good' : 'quiet'}>{texts.states[state]}</Badge>
      </p>
      <p class="soft">
        <Moment iso={updatedAt} />
      </p>
    </article>
  );
}

/** With what is next, and how long there is. */
function OpenTile({ summary, state }: TileProps): JSX.Element {
  const { ceremony: id, routine, startedAt } = summary;
  const answer = useAnswer('issuance.get', { ceremony: id });
  useAskAgain(changesOf(state, id), answer.askAgain);
  const title = useRoutineTitle(state?.routines, routine);
  const { result } = answer;
  const words = state?.routines.get(routine);
  return <Still on={[result, words, title, startedAt]}>{() => <OpenSheet {...{ id, title, startedAt, result, words }} />}</Still>;
}

interface OpenSheetProps extends Pick<Summary, 'startedAt'> {
  readonly id: string;
  readonly title: string;
  readonly result: Ceremony | undefined;
  readonly words: Routine | undefined;
}

function OpenSheet({ id, title, startedAt, result, words }: OpenSheetProps): JSX.Element {
  const language = useLanguage();
  const texts = useTexts(CEREMONY_TEXTS);
  const view = result && describeCeremony(result, { routine: words, language });
  const remainingMs = result && nextStepOf(result)?.remainingMs;
  return (
    <article class="tile" aria-labelledby={`tile-${id}`} data-ceremony={id}>
      <h3 id={`tile-${id}`}>
        <a href={addressOf('ceremonies', id)}>{title}</a>
      </h3>
      {view && (
        <>
          <p class="badges">
            <Badge tone={view.tone}>{view.headline}</Badge>
          </p>
          <p>{view.advice}</p>
          <p class="soft">{texts.progress(view.done, view.steps.length)}</p>
        </>
      )}
      {remainingMs !== undefined && <Clock remainingMs={remainingMs} told={result} />}
      <p class="soft">
        {texts.started} <Moment iso={startedAt} />
      </p>
    </article>
  );
}

function useRoutineTitle(routines: ReadonlyMap<string, Routine> | undefined, id: string): string {
  return routines?.get(id)?.title[useLanguage()] ?? id;
}

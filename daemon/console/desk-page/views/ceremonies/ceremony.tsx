/** One ceremony: where it stands and what to do, every step with whose turn it is, what became of the card, and the ways on and back. */
import type { JSX } from 'preact';
import type { Ceremony } from '../../../../../api-spec/issuance.ts';
import type { Routine } from '../../../../../api-spec/routine.ts';
import { useLanguage, useTexts } from '../../language.ts';
import { Answered, Badge, Facts, Foreign, Moment } from '../../parts.tsx';
import { addressOf } from '../../route.ts';
import { Still } from '../../still.tsx';
import { useAnswer } from '../../use-live.ts';
import { useAskAgain } from '../ask-again.ts';
import { changesOf, type CeremonyChanges } from './ceremonies-state.ts';
import { CancelAct, ResumeAct } from './ceremony-acts.tsx';
import { describeCeremony, type CeremonyView, type JobLine, type StepLine } from './ceremony-model.ts';
import { CEREMONY_TEXTS } from './ceremony-texts.ts';
import { Clock } from './clock.tsx';

interface CeremonyPageProps {
  readonly id: string;
  readonly state: CeremonyChanges | undefined;
}

export function CeremonyPage({ id, state }: CeremonyPageProps): JSX.Element {
  const texts = useTexts(CEREMONY_TEXTS);
  const answer = useAnswer('issuance.get', { ceremony: id });
  useAskAgain(changesOf(state, id), answer.askAgain);
  return (
    <>
      <p>
        <a href={addressOf('ceremonies')}>← {texts.back}</a>
      </p>
      <Answered answer={answer}>
        {(ceremony) => {
          const routine = state?.routines.get(ceremony.routine.id);
          return (
            <Still on={[ceremony, routine]}>
              {() => <Body ceremony={ceremony} routine={routine} onDone={answer.askAgain} />}
            </Still>
          );
        }}
      </Answered>
    </>
  );
}

interface BodyProps {
  readonly ceremony: Ceremony;
  readonly routine: Routine | undefined;
  readonly onDone: () => void;
}

function Body({ ceremony, routine, onDone }: BodyProps): JSX.Element {
  const language = useLanguage();
  const texts = useTexts(CEREMONY_TEXTS);
  const id = ceremony.ceremony;
  const view = describeCeremony(ceremony, { routine, language });
  return (
    <>
      <Standing view={view} told={ceremony} />
      <Acts id={id} view={view} onDone={onDone} />
      <Steps view={view} told={ceremony} />
      {view.job && <JobSheet job={view.job} />}
      <section class="sheet" aria-label={texts.number}>
        <Facts
          facts={[
            [texts.started, <Moment iso={ceremony.startedAt} />],
            [texts.changed, <Moment iso={ceremony.updatedAt} />],
            [texts.number, <Foreign text={id} />],
          ]}
        />
      </section>
    </>
  );
}

function Standing({ view, told }: { readonly view: CeremonyView; readonly told: unknown }): JSX.Element {
  const texts = useTexts(CEREMONY_TEXTS);
  const remainingMs = view.steps.find(({ state }) => state === 'next')?.remainingMs;
  return (
    <section class="sheet" aria-labelledby="standing" data-situation={view.situation}>
      <h2 id="standing">{view.title}</h2>
      <p class="badges" role="status">
        <Badge tone={view.tone}>{view.headline}</Badge>
      </p>
      <p>{view.advice}</p>
      {remainingMs !== undefined && <Clock remainingMs={remainingMs} told={told} />}
      {view.reason !== undefined && (
        <p>
          {texts.reason}: <Foreign text={view.reason} />
        </p>
      )}
      {view.reports.length > 0 && (
        <div class="problem">
          <h3>{texts.toReport}</h3>
          <ul>
            {view.reports.map((report) => (
              <li key={report}>{report}</li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

interface ActsProps {
  readonly id: string;
  readonly view: CeremonyView;
  readonly onDone: () => void;
}

function Acts({ id, view, onDone }: ActsProps): JSX.Element | null {
  if (!view.canResume && !view.canCancel) return null;
  return (
    <div class="stack">
      {view.canResume && <ResumeAct id={id} onDone={onDone} />}
      {view.canCancel && <CancelAct id={id} onDone={onDone} />}
    </div>
  );
}

function Steps({ view, told }: { readonly view: CeremonyView; readonly told: unknown }): JSX.Element {
  const texts = useTexts(CEREMONY_TEXTS);
  return (
    <section class="sheet" aria-labelledby="steps">
      <h2 id="steps">{texts.steps}</h2>
      <p class="soft">{texts.progress(view.done, view.steps.length)}</p>
      <ol class="steps">
        {view.steps.map((step) => (
          <li key={step.id} data-state={step.state} aria-current={step.state === 'next' ? 'step' : undefined}>
            <StepItem step={step} told={told} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function StepItem({ step, told }: { readonly step: StepLine; readonly told: unknown }): JSX.Element {
  return (
    <>
      <span class="sign" aria-hidden="true">
        {step.sign}
      </span>
      <div class="stack">
        <h3>
          <span class="unseen">{step.stateText}: </span>
          {step.title}
        </h3>
        <p class="soft">
          {step.kind} · {step.by}
          {step.person !== undefined && (
            <>
              {' · '}
              <Foreign text={step.person} />
            </>
          )}
          {step.doneAt !== undefined && (
            <>
              {' · '}
              <Moment iso={step.doneAt} />
            </>
          )}
        </p>
        {step.notice !== undefined && <p>{step.notice}</p>}
        {step.remainingMs !== undefined && <Clock remainingMs={step.remainingMs} told={told} voice="silent" />}
        <StepRecord step={step} />
      </div>
    </>
  );
}

/** Folded: it is about a person, and seldom needed. */
function StepRecord({ step: { facts, messages } }: { readonly step: StepLine }): JSX.Element | null {
  const texts = useTexts(CEREMONY_TEXTS);
  if (facts.length === 0 && messages.length === 0) return null;
  return (
    <details>
      <summary>{facts.length > 0 ? texts.recorded : texts.messages}</summary>
      <Facts facts={[...facts, ...messages].map(([name, value]) => [name, <Foreign text={value} />])} />
    </details>
  );
}

function JobSheet({ job }: { readonly job: JobLine }): JSX.Element {
  const texts = useTexts(CEREMONY_TEXTS);
  return (
    <section class="sheet" aria-labelledby="job">
      <h2 id="job">{texts.card}</h2>
      <p>
        <Foreign text={job.card} />
      </p>
      <p>{job.phase}</p>
      <ul class="steps" aria-label={texts.keys}>
        {job.keys.map((key) => (
          <li key={key.name} data-state={key.isWritten ? 'done' : 'later'}>
            <span class="sign" aria-hidden="true">
              {key.isWritten ? '✓' : ''}
            </span>
            <span>
              {key.name}: {key.stage}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

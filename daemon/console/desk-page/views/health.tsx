/** How kortd and what it stands on are doing, and when somebody was asked for a PIN. */
import type { JSX } from 'preact';
import type { Result } from '../../../../api-spec/methods/index.ts';
import { desk } from '../desk-state.ts';
import { useLanguage, useTexts } from '../language.ts';
import { Answered, Badge, Facts, Foreign, Moment } from '../parts.tsx';
import { usePolled } from '../polling.ts';
import { Topic, type EventOf } from '../topic.ts';
import { useAnswer, useTopic } from '../use-live.ts';
import type { View } from '../view.ts';
import { useAskAgain } from './ask-again.ts';
import { HEALTH_TEXTS } from './health-texts.ts';

type Health = Result<'system.health'>;

/** Of what grows all the time: memory, calls, how long it has been up. What goes and comes is told by events. */
const POLL_MS = 30_000;
const MINUTE_MS = 60_000;
const MEBIBYTE = 1_048_576;
const ASKED_KEPT = 20;

/** The latest first. */
const asked: Topic<readonly EventOf<'pin.prompted'>[], 'pin.prompted'> = new Topic({
  events: ['pin.prompted'],
  load: () => Promise.resolve(asked.value ?? []),
  apply: (state, events) => [...events.toReversed(), ...state].slice(0, ASKED_KEPT),
});

export const healthView: View = { id: 'health', title: { en: 'Health', sv: 'Hälsa' }, Component: HealthView };

function HealthView(): JSX.Element {
  const answer = usePolled('system.health', {}, POLL_MS);
  useAskAgain(useTopic(desk), answer.askAgain);
  return (
    <>
      <Answered answer={answer}>{(health) => <Whole health={health} />}</Answered>
      <Asked />
    </>
  );
}

function Whole({ health }: { readonly health: Health }): JSX.Element {
  const texts = useTexts(HEALTH_TEXTS);
  return (
    <>
      <p class="badges">
        <Badge tone={health.status === 'ok' ? 'good' : 'bad'}>{texts.statuses[health.status]}</Badge>
      </p>
      <Problems problems={health.problems} />
      <Service health={health} />
      <section aria-labelledby="sources">
        <h2 id="sources">{texts.sources}</h2>
        {health.sources.length === 0 && <p class="soft">{texts.noSources}</p>}
        <ul class="tiles">
          {health.sources.map((source) => (
            <li key={source.id}>
              <SourceTile source={source} />
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

/** What an administrator has to see to, in kortd's own words. */
function Problems({ problems }: { readonly problems: Health['problems'] }): JSX.Element | null {
  const texts = useTexts(HEALTH_TEXTS);
  const language = useLanguage();
  if (problems.length === 0) return null;
  return (
    <section aria-labelledby="problems" class="stack">
      <h2 id="problems">{texts.problems}</h2>
      {problems.map(({ code, file, since, ...words }) => (
        <div class="problem" key={`${code} ${file ?? ''}`}>
          <p>{words[language]}</p>
          <Facts
            facts={[
              [texts.file, file !== undefined && <Foreign text={file} cut="start" />],
              [texts.since, since !== undefined && <Moment iso={since} />],
            ]}
          />
        </div>
      ))}
    </section>
  );
}

function Service({ health }: { readonly health: Health }): JSX.Element {
  const texts = useTexts(HEALTH_TEXTS);
  const { result: info } = useAnswer('system.info', {});
  const minutes = Math.floor(health.uptimeMs / MINUTE_MS);
  return (
    <section class="sheet" aria-labelledby="service">
      <h2 id="service">{texts.service}</h2>
      {info?.simulated === true && (
        <p>
          <Badge tone="warning">{texts.simulated}</Badge>
        </p>
      )}
      <Facts
        facts={[
          [texts.version, info && `${info.product} ${info.version}`],
          [texts.platform, info?.platform],
          [texts.uptime, texts.duration(Math.floor(minutes / 1_440), Math.floor((minutes % 1_440) / 60), minutes % 60)],
          [texts.memory, `${Math.round(health.residentBytes / MEBIBYTE)} MiB`],
          [texts.readers, String(health.readers)],
          [texts.cards, String(health.cards)],
          [texts.clients, String(health.clients)],
          [texts.calls, String(health.callsUnderWay)],
        ]}
      />
    </section>
  );
}

function SourceTile({ source }: { readonly source: Health['sources'][number] }): JSX.Element {
  const texts = useTexts(HEALTH_TEXTS);
  const { id, available, since, recoveries, problem } = source;
  return (
    <article class="tile">
      <h3>{texts.nameOfSource[id] ?? <Foreign text={id} />}</h3>
      <p class="badges">
        <Badge tone={available ? 'good' : 'bad'}>{available ? texts.available : texts.away}</Badge>
      </p>
      <Facts
        facts={[
          [texts.since, <Moment key="since" iso={since} />],
          [texts.recoveries, String(recoveries)],
          [texts.problem, problem !== undefined && <Foreign key="problem" text={problem} />],
        ]}
      />
    </article>
  );
}

function Asked(): JSX.Element {
  const texts = useTexts(HEALTH_TEXTS);
  const events = useTopic(asked) ?? [];
  const readers = useTopic(desk)?.readers;
  return (
    <section aria-labelledby="asked">
      <h2 id="asked">{texts.asked}</h2>
      {events.length === 0 && <p class="soft">{texts.nobodyAsked}</p>}
      <ul class="plain-list">
        {events.map(({ sequence, time, data }) => (
          <li key={sequence}>
            <Moment iso={time} />: <Foreign text={texts.askedIn(readers?.get(data.reader)?.name ?? '–')} />,{' '}
            {texts.places[data.where]}
          </li>
        ))}
      </ul>
    </section>
  );
}

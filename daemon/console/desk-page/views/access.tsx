/** Web sites: which wait for access, and which have it. Here access is only ever refused or taken back; it is given where prompts are answered. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { SCOPES, type Scope } from '../../../../api-spec/scopes.ts';
import type { Result } from '../../../../api-spec/methods/index.ts';
import { useLanguage, useTexts } from '../language.ts';
import { Answered, Badge, Facts, Foreign, Moment, Problem } from '../parts.tsx';
import { ENDS_BY_TIME_MS, usePolled } from '../polling.ts';
import { Topic } from '../topic.ts';
import { useAct, useTopic } from '../use-live.ts';
import type { View } from '../view.ts';
import { ACCESS_TEXTS } from './access-texts.ts';

type AccessList = Result<'access.list'>;
type Grant = AccessList['grants'][number];
type Request = AccessList['requests'][number];

/** How much changed: each is a reason to read the list. */
const changesHeard = new Topic<number, 'access.changed' | 'access.requested' | 'access.settled'>({
  events: ['access.changed', 'access.requested', 'access.settled'],
  load: () => Promise.resolve(0),
  apply: (count, events) => count + events.length,
});

export const accessView: View = { id: 'access', title: { en: 'Web sites', sv: 'Webbplatser' }, Component: Access };

function Access(): JSX.Element {
  const heard = useTopic(changesHeard);
  const answer = usePolled('access.list', {}, ENDS_BY_TIME_MS);
  const { askAgain } = answer;
  useEffect(() => {
    if (heard !== undefined && heard > 0) askAgain();
  }, [heard, askAgain]);
  return <Answered answer={answer}>{(list) => <Lists list={list} onChanged={askAgain} />}</Answered>;
}

interface ListsProps {
  readonly list: AccessList;
  readonly onChanged: () => void;
}

function Lists({ list: { requests, grants }, onChanged }: ListsProps): JSX.Element {
  const texts = useTexts(ACCESS_TEXTS);
  return (
    <>
      <section aria-labelledby="waiting">
        <h2 id="waiting">{texts.waiting}</h2>
        <p class="soft">{requests.length === 0 ? texts.noneWaiting : texts.howToAllow}</p>
        <ul class="tiles wide" aria-live="polite">
          {requests.map((request) => (
            <li key={request.code}>
              <RequestTile request={request} onChanged={onChanged} />
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="grants">
        <h2 id="grants">{texts.grants}</h2>
        {grants.length === 0 && <p class="soft">{texts.noGrants}</p>}
        <ul class="tiles wide">
          {grants.map((grant) => (
            <li key={`${grant.origin} ${grant.source} ${grant.user ?? ''}`}>
              <GrantTile grant={grant} onChanged={onChanged} />
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Rights({ title, scopes }: { readonly title: string; readonly scopes: readonly Scope[] }): JSX.Element {
  const language = useLanguage();
  return (
    <div>
      <p class="label">{title}</p>
      <ul class="plain-list">
        {scopes.map((scope) => (
          <li key={scope}>{language === 'sv' ? SCOPES[scope].sv : SCOPES[scope].summary}</li>
        ))}
      </ul>
    </div>
  );
}

function RequestTile({ request, onChanged }: { readonly request: Request; readonly onChanged: () => void }): JSX.Element {
  const texts = useTexts(ACCESS_TEXTS);
  const deny = useAct('access.deny', onChanged);
  return (
    <article class="tile">
      <h3>
        <Foreign text={request.origin} cut="start" />
      </h3>
      <Rights title={texts.asksFor} scopes={request.scopes} />
      <Facts
        facts={[
          [texts.reason, request.reason !== undefined && <Foreign key="reason" text={request.reason} />],
          [texts.code, <strong key="code">{request.code}</strong>],
          [texts.since, <Moment key="since" iso={request.requestedAt} />],
        ]}
      />
      <p>
        <button type="button" class="danger" disabled={deny.isRunning} onClick={() => deny.run({ code: request.code })}>
          {texts.deny}
        </button>
      </p>
      {deny.error !== undefined && <Problem error={deny.error} />}
    </article>
  );
}

function GrantTile({ grant, onChanged }: { readonly grant: Grant; readonly onChanged: () => void }): JSX.Element {
  const texts = useTexts(ACCESS_TEXTS);
  const { origin, scopes, source, grantedAt, expiresAt, lastUsedAt } = grant;
  return (
    <article class="tile">
      <h3>
        <Foreign text={origin} cut="start" />
      </h3>
      <p class="badges">
        <Badge tone="quiet">{texts.sources[source]}</Badge>
      </p>
      <Rights title={texts.may} scopes={scopes} />
      <Facts
        facts={[
          [texts.grantedAt, grantedAt !== undefined && <Moment key="granted" iso={grantedAt} />],
          [texts.expiresAt, expiresAt !== undefined && <Moment key="expires" iso={expiresAt} />],
          [texts.lastUsedAt, lastUsedAt === undefined ? texts.never : <Moment key="used" iso={lastUsedAt} />],
        ]}
      />
      {source === 'policy' ? <p class="soft">{texts.byPolicy}</p> : <Revoke origin={origin} onChanged={onChanged} />}
    </article>
  );
}

/** Asks back: what the site has under way ends at once. */
function Revoke({ origin, onChanged }: { readonly origin: string; readonly onChanged: () => void }): JSX.Element {
  const texts = useTexts(ACCESS_TEXTS);
  const [isSure, setSure] = useState(false);
  const revoke = useAct('access.revoke', onChanged);
  if (!isSure)
    return (
      <p>
        <button type="button" class="danger" onClick={() => setSure(true)}>
          {texts.revoke}
        </button>
      </p>
    );
  return (
    <div class="stack" role="group" aria-label={texts.revoke}>
      <p>{texts.revokeSure}</p>
      <p class="badges">
        <button type="button" class="danger" disabled={revoke.isRunning} onClick={() => revoke.run({ origin })}>
          {texts.revoke}
        </button>
        <button type="button" class="plain" ref={(button) => button?.focus()} onClick={() => setSure(false)}>
          {texts.keep}
        </button>
      </p>
      {revoke.error !== undefined && <Problem error={revoke.error} />}
    </div>
  );
}

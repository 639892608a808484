/** One card: who its certificates say its holder is, its PINs with the tries that are left, its certificates and how long they hold. */
import type { JSX } from 'preact';
import type { Result } from '../../../../api-spec/methods/index.ts';
import type { Card, Certificate, Pin } from '../../../../api-spec/schemas.ts';
import { timeLeft } from '../../../../api-spec/time-left.ts';
import { desk } from '../desk-state.ts';
import { useLanguage, useTexts } from '../language.ts';
import { Answered, Badge, Facts, Foreign, Loading, Moment, type Tone } from '../parts.tsx';
import { addressOf } from '../route.ts';
import { useAct, useAnswer, useTopic } from '../use-live.ts';
import { useAskAgain } from './ask-again.ts';
import { kindOf } from '../../../../api-spec/card-kinds.ts';
import { CARD_TEXTS } from './card-texts.ts';

export type CertificateFields = NonNullable<Certificate['parsed']>;
type CardContents = Result<'card.read'>;

const DAY_MS = 24 * 60 * 60_000;
/** Time enough to order a new one: the bar warns from here on. */
const SOON_DAYS = 30;

export function CardDetail({ id }: { readonly id: string }): JSX.Element {
  const texts = useTexts(CARD_TEXTS);
  const state = useTopic(desk);
  const card = state?.cards.get(id);
  return (
    <>
      <p>
        <a href={addressOf('readers')}>← {texts.back}</a>
      </p>
      {!state && <Loading />}
      {state && !card && <p class="empty">{texts.gone}</p>}
      {card && <KnownCard card={card} readerName={state?.readers.get(card.reader)?.name ?? ''} />}
    </>
  );
}

function KnownCard({ card, readerName }: { readonly card: Card; readonly readerName: string }): JSX.Element {
  const texts = useTexts(CARD_TEXTS);
  const answer = useAnswer('card.read', { card: card.id });
  const { askAgain } = answer;
  const refresh = useAct('card.read', askAgain);
  useAskAgain(card, askAgain); // its tries may be others, too
  return (
    <>
      <section class="sheet" aria-label={texts.kind}>
        <Facts
          facts={[
            [texts.reader, <Foreign key="reader" text={readerName} />],
            [texts.kind, card.application && kindOf(card.application.id)],
            [texts.serialNumber, card.application?.serialNumber && <Foreign text={card.application.serialNumber} />],
          ]}
        />
        <p>
          <button
            type="button"
            class="plain"
            disabled={refresh.isRunning}
            onClick={() => refresh.run({ card: card.id, refresh: true })}
          >
            {texts.refresh}
          </button>{' '}
          {answer.at !== undefined && (
            <span class="soft">
              {texts.readAt} <Moment iso={answer.at} />
            </span>
          )}
        </p>
      </section>
      <Answered answer={answer}>{(contents) => <Contents contents={contents} />}</Answered>
    </>
  );
}

function Contents({ contents }: { readonly contents: CardContents }): JSX.Element {
  const texts = useTexts(CARD_TEXTS);
  const { pins, certificates, identity } = contents;
  return (
    <>
      <Holder identity={identity} />
      <section aria-labelledby="pins">
        <h2 id="pins">{texts.pins}</h2>
        {pins.length === 0 && <p class="soft">{texts.noPins}</p>}
        <ul class="tiles">
          {pins.map((pin) => (
            <li key={pin.reference}>
              <PinTile pin={pin} />
            </li>
          ))}
        </ul>
      </section>
      <section aria-labelledby="certificates">
        <h2 id="certificates">{texts.certificates}</h2>
        {certificates.length === 0 && <p class="soft">{texts.noCertificates}</p>}
        <ul class="tiles wide">
          {certificates.map((certificate, index) => (
            <li key={certificate.parsed?.fingerprint ?? index}>
              <CertificateTile certificate={certificate} />
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Holder({ identity }: { readonly identity: CardContents['identity'] }): JSX.Element {
  const texts = useTexts(CARD_TEXTS);
  const language = useLanguage();
  const names = ['name', 'hsaId', 'personalIdentityNumber', 'organisation', 'assuranceLevel', 'cardNumber'] as const;
  const facts = names.flatMap((name) => {
    const text = identity?.[name];
    return text === undefined ? [] : [[texts.identity[name], <Foreign key={name} text={text} />] as const];
  });
  const isTrusted = identity?.isTrusted;
  return (
    <section class="sheet" aria-labelledby="holder">
      <h2 id="holder">{texts.holder}</h2>
      {facts.length === 0 && <p class="soft">{texts.unknownHolder}</p>}
      <Facts facts={facts} />
      {facts.length > 0 && (
        <p>
          {isTrusted === true && <Badge tone="good">{texts.trusted}</Badge>}
          {isTrusted === undefined && <Badge tone="quiet">{texts.unchecked}</Badge>}
          {isTrusted === false && <Badge tone="bad">{texts.untrusted}</Badge>}
        </p>
      )}
      {identity?.problems.map((problem, index) => (
        <p key={index} class="soft">
          {problem[language]}
        </p>
      ))}
    </section>
  );
}

function PinTile({ pin }: { readonly pin: Pin }): JSX.Element {
  const texts = useTexts(CARD_TEXTS);
  const { attemptsRemaining: left, attemptsTotal: total } = pin;
  return (
    <article class="tile">
      <h3>
        <Foreign text={pin.label} />
      </h3>
      {left === undefined ? (
        <p class="soft">{texts.triesUnknown}</p>
      ) : (
        <p class="tries">
          <span aria-hidden="true">{left > 0 && '●'.repeat(Math.min(left, 16))}</span>
          <span aria-hidden="true" class="spent">
            {'●'.repeat(Math.min(Math.max((total ?? left) - left, 0), 16))}
          </span>{' '}
          {texts.tries(left, total)}
        </p>
      )}
      <p class="badges">
        {left === 0 && <Badge tone="bad">{texts.blocked}</Badge>}
        {left === 1 && <Badge tone="warning">{texts.lastTry}</Badge>}
        {pin.isDefault === true && <Badge tone="warning">{texts.factory}</Badge>}
      </p>
    </article>
  );
}

const CHAIN_TONES: Readonly<Record<CertificateFields['chain']['status'], Tone>> = {
  trusted: 'good',
  unchecked: 'quiet',
  untrusted: 'bad',
};

function CertificateTile({ certificate: { parsed } }: { readonly certificate: Certificate }): JSX.Element {
  const texts = useTexts(CARD_TEXTS);
  const language = useLanguage();
  if (!parsed) return <p class="tile">{texts.unreadable}</p>;
  const { chain } = parsed;
  return (
    <article class="tile">
      <p class="label">{texts.purposes[parsed.purpose]}</p>
      <h3>
        <Foreign text={commonNameOf(parsed.subject)} />
      </h3>
      <ValidityBar certificate={parsed} />
      <Facts
        facts={[
          [texts.issuer, <Foreign key="issuer" text={commonNameOf(parsed.issuer)} />],
          [texts.validFrom, <Moment key="from" iso={parsed.notBefore} precision="day" />],
          [texts.validTo, <Moment key="to" iso={parsed.notAfter} precision="day" />],
          [texts.identity.assuranceLevel, parsed.assuranceLevel],
        ]}
      />
      <p class="badges">
        <Badge tone={CHAIN_TONES[chain.status]}>{texts.chains[chain.status]}</Badge>
      </p>
      {chain.problem && <p class="soft">{chain.problem[language]}</p>}
    </article>
  );
}

/** How much of its time has gone, and how much is left in words. */
function ValidityBar({
  certificate: { notBefore, notAfter, validity },
}: {
  readonly certificate: CertificateFields;
}): JSX.Element {
  const texts = useTexts(CARD_TEXTS);
  const [from, to, now] = [Date.parse(notBefore), Date.parse(notAfter), Date.now()];
  const gone = Math.min(1, Math.max(0, (now - from) / Math.max(1, to - from)));
  const days = Math.max(0, Math.ceil((to - now) / DAY_MS));
  const left = timeLeft(new Date(to), new Date(now))[useLanguage()];
  const words = { expired: texts.expired, not_yet_valid: texts.notYet, valid: left }[validity];
  const tone = validity !== 'valid' ? 'bad' : days <= SOON_DAYS ? 'warning' : 'good';
  const percent = Math.round((1 - gone) * 100);
  return (
    <div class="validity">
      <div
        class={`bar ${tone}`}
        role="meter"
        aria-label={texts.validity}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={words}
      >
        <span style={{ width: `${percent}%` }} />
      </div>
      <span class={tone === 'good' ? 'soft' : `words ${tone}`}>{words}</span>
    </div>
  );
}

/** Of a distinguished name in RFC 4514 form; the whole of it where it has no common name. */
function commonNameOf(name: string): string {
  const [, text = name] = /(?:^|[,+])\s*CN=((?:\\.|[^,+\\])*)/i.exec(name) ?? [];
  return text.replaceAll(/\\([^0-9a-f])/gi, '$1');
}

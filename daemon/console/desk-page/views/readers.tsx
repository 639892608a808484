/** The desk at a glance: every reader with its role, its state, and the card in it. */
import type { JSX } from 'preact';
import type { Card, Reader } from '../../../../api-spec/schemas.ts';
import { desk, inOrder, vacantRoles } from '../desk-state.ts';
import { useTexts } from '../language.ts';
import { Badge, Facts, Foreign, Loading, type Tone } from '../parts.tsx';
import { addressOf } from '../route.ts';
import { Still } from '../still.tsx';
import { useTopic } from '../use-live.ts';
import type { View, ViewProps } from '../view.ts';
import { Waiting } from '../waiting.tsx';
import { kindOf } from '../../../../api-spec/card-kinds.ts';
import { CardDetail } from './card.tsx';
import { READER_TEXTS } from './readers-texts.ts';

const READER_TONES: Readonly<Record<Reader['status'], Tone>> = {
  empty: 'quiet',
  present: 'good',
  mute: 'bad',
  unavailable: 'bad',
};
const CARD_TONES: Readonly<Record<Card['status'], Tone>> = {
  identifying: 'quiet',
  ready: 'good',
  unknown: 'warning',
  failed: 'bad',
};

export const readersView: View = {
  id: 'readers',
  title: { en: 'Readers and cards', sv: 'Läsare och kort' },
  Component: ReadersOrCard,
};

/** "#/readers" or "#/readers/<card id>". */
function ReadersOrCard({ path: [card] }: ViewProps): JSX.Element {
  return card === undefined ? <Readers /> : <CardDetail id={card} />;
}

function Readers(): JSX.Element {
  const texts = useTexts(READER_TEXTS);
  const state = useTopic(desk);
  if (!state) return <Loading />;
  const readers = inOrder(state);
  const vacant = vacantRoles(state);
  return (
    <>
      <Waiting />
      {readers.length === 0 && (
        <div class="empty">
          <h2>{texts.none}</h2>
          <p>{texts.noneHelp}</p>
        </div>
      )}
      <ul class="tiles">
        {readers.map((reader) => (
          <li key={reader.id}>
            <ReaderAt reader={reader} card={state.cards.get(reader.card ?? '')} />
          </li>
        ))}
      </ul>
      {vacant.length > 0 && (
        <section aria-labelledby="vacant">
          <h2 id="vacant">{texts.vacant}</h2>
          <ul class="inline">
            {vacant.map(({ role }) => (
              <li key={role}>
                <RoleName role={role} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function RoleName({ role }: { readonly role: string }): JSX.Element {
  const name = useTexts(READER_TEXTS).roles[role];
  return name === undefined ? <Foreign text={role} /> : <>{name}</>;
}

interface ReaderProps {
  readonly reader: Reader;
  readonly card: Card | undefined;
}

function ReaderAt({ reader, card }: ReaderProps): JSX.Element {
  return <Still on={[reader, card]}>{() => <ReaderTile reader={reader} card={card} />}</Still>;
}

function ReaderTile({ reader, card }: ReaderProps): JSX.Element {
  const texts = useTexts(READER_TEXTS);
  return (
    <article class="tile" aria-labelledby={`reader-${reader.id}`}>
      <p class="label">{reader.role === undefined ? texts.noRole : <RoleName role={reader.role} />}</p>
      <h2 id={`reader-${reader.id}`}>
        <Foreign text={reader.name} />
      </h2>
      <p class="badges">
        {card ? (
          <Badge tone={CARD_TONES[card.status]}>{texts.card[card.status]}</Badge>
        ) : (
          <Badge tone={READER_TONES[reader.status]}>{texts.reader[reader.status]}</Badge>
        )}
        {reader.hasKeypad === true && <Badge tone="quiet">{texts.keypad}</Badge>}
      </p>
      {card && <CardLines card={card} />}
    </article>
  );
}

function CardLines({ card }: { readonly card: Card }): JSX.Element {
  const texts = useTexts(READER_TEXTS);
  const { application, lease } = card;
  return (
    <>
      {application && (
        <Facts
          facts={[
            [texts.kind, kindOf(application.id)],
            [texts.cardNumber, application.serialNumber && <Foreign text={application.serialNumber} />],
          ]}
        />
      )}
      {lease && (
        <p>
          <Foreign text={texts.lease(lease.holder)} />
        </p>
      )}
      {card.status === 'ready' && (
        <p>
          <a href={addressOf('readers', card.id)} aria-describedby={`reader-${card.reader}`}>
            {texts.details}
          </a>
        </p>
      )}
    </>
  );
}

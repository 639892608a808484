/** The audit log: whether it is whole, and its records, the latest first, a page at a time. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { AuditRecord } from '../../../../api-spec/methods/audit.ts';
import type { Result } from '../../../../api-spec/methods/index.ts';
import { sanitise } from '../../page/sanitise.js';
import { useLanguage, useTexts } from '../language.ts';
import { Answered, Badge, Foreign, Loading, Moment, Problem } from '../parts.tsx';
import { Topic } from '../topic.ts';
import { useAnswer, useTopic } from '../use-live.ts';
import type { View } from '../view.ts';
import { useWords } from '../words.ts';
import { useAskAgain } from './ask-again.ts';
import { AUDIT_TEXTS } from './audit-texts.ts';
import { AuditFilter, EVERYTHING, filterRecords, paramsOf, type Filter } from './audit-filter.tsx';

interface Heard {
  /** Grows when events may have been lost: then the latest number is asked for again. */
  readonly reads: number;
  readonly last: number;
}

let reads = 0;
const appended = new Topic<Heard, 'audit.appended'>({
  events: ['audit.appended'],
  load: () => Promise.resolve({ reads: ++reads, last: 0 }),
  apply: (heard, events) => ({ ...heard, last: Math.max(heard.last, ...events.map(({ data }) => data.last)) }),
});
/** On one page. A filtered page looks through more, and shows those of them that fit. */
export const PAGE_RECORDS = 50;
const FILTERED_RECORDS = 500;
/** UUIDs and hashes. */
const LONG_NUMBERS = /\b([0-9a-f]{8})(?:(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,})\b/g;

export const auditView: View = { id: 'audit', title: { en: 'Audit log', sv: 'Granskningslogg' }, Component: Audit };

function Audit(): JSX.Element {
  const answer = useAnswer('audit.list', { since: Number.MAX_SAFE_INTEGER, limit: 1 });
  const heard = useTopic(appended);
  useAskAgain(heard?.reads, answer.askAgain);
  return (
    <>
      <Verification />
      <Answered answer={answer}>{({ last }) => <Records last={Math.max(last, heard?.last ?? 0)} />}</Answered>
    </>
  );
}

function Verification(): JSX.Element {
  const texts = useTexts(AUDIT_TEXTS);
  const { result, error, isAsking, askAgain } = useAnswer('audit.verify', {});
  return (
    <section class="sheet" aria-live="polite">
      {isAsking && <p class="soft">{texts.checking}</p>}
      {result && <Verdict result={result} />}
      {error !== undefined && <Problem error={error} />}
      <p>
        <button type="button" class="plain" disabled={isAsking} onClick={askAgain}>
          {texts.check}
        </button>
      </p>
    </section>
  );
}

function Verdict({ result }: { readonly result: Result<'audit.verify'> }): JSX.Element {
  const texts = useTexts(AUDIT_TEXTS);
  const { ok, records, checkpoints, problem, fingerprint } = result;
  return (
    <>
      {ok ? (
        <p>
          <span class="mark good" aria-hidden="true">
            ✓
          </span>{' '}
          {texts.whole(records, checkpoints)}
        </p>
      ) : (
        <div class="problem" role="alert">
          <h2>{texts.broken}</h2>
          {problem && <p>{texts.problems[problem.kind](problem.sequence)}</p>}
          <p>{texts.whatToDo}</p>
        </div>
      )}
      <p class="soft digits">
        {texts.fingerprint}: {fingerprint.match(/.{1,8}/g)?.join(' ')}
      </p>
    </>
  );
}

function Records({ last }: { readonly last: number }): JSX.Element {
  const texts = useTexts(AUDIT_TEXTS);
  const [filter, setFilter] = useState<Filter>(EVERYTHING);
  /** The latest record of the page; undefined: whatever is the latest of all. */
  const [to, setTo] = useState<number | undefined>(undefined);
  const size = filter === EVERYTHING ? PAGE_RECORDS : FILTERED_RECORDS;
  const end = Math.min(to ?? last, last);
  const since = Math.max(0, end - size);
  const answer = useAnswer('audit.list', last === 0 ? undefined : { since, limit: size, ...paramsOf(filter) });
  /** While the log grows the rows stay, until the further ones are there. */
  const before = useRef<{ readonly of: Filter; readonly to: number | undefined; readonly records: readonly AuditRecord[] }>();
  if (answer.result) before.current = { of: filter, to, records: answer.result.records };
  const shown = before.current?.of === filter && before.current.to === to ? before.current.records : undefined;
  if (last === 0) return <p class="empty">{texts.none}</p>;
  const choose = (chosen: Filter): void => {
    setFilter(chosen);
    setTo(undefined);
  };
  return (
    <section class="stack" aria-label={auditView.title[useLanguage()]}>
      <AuditFilter filter={filter} onFilter={choose} />
      <Pages {...{ since, end, last }} onPage={(page) => setTo(page >= last ? undefined : page)} size={size} />
      {answer.error !== undefined && <Problem error={answer.error} onRetry={answer.askAgain} />}
      {shown ? (
        <RecordTable records={filterRecords(shown, filter).filter(({ sequence }) => sequence <= end)} />
      ) : (
        answer.error === undefined && <Loading />
      )}
    </section>
  );
}

interface PagesProps {
  readonly since: number;
  readonly end: number;
  readonly last: number;
  readonly size: number;
  readonly onPage: (to: number) => void;
}

function Pages({ since, end, last, size, onPage }: PagesProps): JSX.Element {
  const texts = useTexts(AUDIT_TEXTS);
  return (
    <div class="pages">
      <p role="status">{texts.shown(since + 1, end, last)}</p>
      <button type="button" class="plain" disabled={end >= last} onClick={() => onPage(end + size)}>
        {texts.newer}
      </button>
      <button type="button" class="plain" disabled={since === 0} onClick={() => onPage(since)}>
        {texts.older}
      </button>
    </div>
  );
}

function RecordTable({ records }: { readonly records: readonly AuditRecord[] }): JSX.Element {
  const texts = useTexts(AUDIT_TEXTS);
  const { columns } = texts;
  if (records.length === 0) return <p class="empty">{texts.noneHere}</p>;
  return (
    <table class="records">
      <thead>
        <tr>
          {(['number', 'time', 'who', 'act', 'card', 'outcome'] as const).map((name) => (
            <th key={name} scope="col">
              {columns[name]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {records.toReversed().map((record) => (
          <RecordRow key={record.sequence} record={record} />
        ))}
      </tbody>
    </table>
  );
}

/** An error without words of its own stands there by its code. */
function outcomeText(words: string | undefined, code: string): string {
  return words === undefined || words === '' ? code : words;
}

/** kortd's own names are said in words, those of others as they are. */
function Caller({ caller }: { readonly caller: string }): JSX.Element {
  const texts = useTexts(AUDIT_TEXTS);
  const [, user] = /^console of (.+)$/.exec(caller) ?? [];
  const [, program] = /^program ([0-9a-f]{8})$/.exec(caller) ?? [];
  if (user !== undefined) return <Foreign text={texts.console(user)} />;
  return <Foreign text={program === undefined ? caller : texts.program(program)} cut="start" />;
}

/** What is long and means nothing to a person is cut to its beginning; the whole of it is shown by pointing at it, and exported. */
function Purpose({ text }: { readonly text: string }): JSX.Element {
  const short = text.replaceAll(LONG_NUMBERS, '$1…');
  return short === text ? (
    <Foreign text={text} />
  ) : (
    <span title={sanitise(text)}>
      <Foreign text={short} />
    </span>
  );
}

function RecordRow({ record }: { readonly record: AuditRecord }): JSX.Element {
  const texts = useTexts(AUDIT_TEXTS);
  const { columns } = texts;
  const language = useLanguage();
  const words = useWords();
  const { sequence, time, caller, method, cardSerial, reader, outcome, purpose } = record;
  const isOk = outcome === 'ok';
  return (
    <tr>
      <td data-name={columns.number}>{sequence}</td>
      <td data-name={columns.time}>
        <Moment iso={time} />
      </td>
      <td data-name={columns.who}>
        <Caller caller={caller} />
      </td>
      <td data-name={columns.act}>
        {words.methods[method]?.[language] ?? <Foreign text={method} />}
        {purpose !== undefined && (
          <span class="soft block">
            <Purpose text={purpose} />
          </span>
        )}
      </td>
      <td data-name={columns.card}>
        {cardSerial !== undefined && <Foreign text={cardSerial} />}
        {reader !== undefined && (
          <span class="soft block">
            <Foreign text={reader} />
          </span>
        )}
      </td>
      <td data-name={columns.outcome}>
        <Badge tone={isOk ? 'good' : 'warning'}>{isOk ? texts.succeeded : texts.failed}</Badge>
        {!isOk && <span class="soft"> {outcomeText(words.outcomes[outcome]?.[language], outcome)}</span>}
      </td>
    </tr>
  );
}

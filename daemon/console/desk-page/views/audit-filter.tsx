/** Which records of the audit log are shown. kortd filters by act and by success; failures are picked out of what it gave. */
import type { JSX } from 'preact';
import type { AuditRecord } from '../../../../api-spec/methods/audit.ts';
import type { Params } from '../../../../api-spec/methods/index.ts';
import { useLanguage, useTexts } from '../language.ts';
import { useWords } from '../words.ts';
import { AUDIT_TEXTS } from './audit-texts.ts';

export interface Filter {
  readonly method: string;
  readonly outcome: 'all' | 'failed' | 'succeeded';
}

export const EVERYTHING: Filter = { method: '', outcome: 'all' };

export function paramsOf({ method, outcome }: Filter): Pick<Params<'audit.list'>, 'method' | 'outcome'> {
  return { ...(method === '' ? {} : { method }), ...(outcome === 'succeeded' ? { outcome: 'ok' } : {}) };
}

export function filterRecords(records: readonly AuditRecord[], { outcome }: Filter): readonly AuditRecord[] {
  return outcome === 'failed' ? records.filter((record) => record.outcome !== 'ok') : records;
}

interface AuditFilterProps {
  readonly filter: Filter;
  readonly onFilter: (filter: Filter) => void;
}

export function AuditFilter({ filter, onFilter }: AuditFilterProps): JSX.Element {
  const texts = useTexts(AUDIT_TEXTS);
  const language = useLanguage();
  const { acts, methods } = useWords();
  const rows = acts.map((act) => [act, methods[act]?.[language] ?? act] as const);
  const choose = (change: Partial<Filter>): void => {
    const chosen = { ...filter, ...change };
    onFilter(chosen.method === '' && chosen.outcome === 'all' ? EVERYTHING : chosen);
  };
  return (
    <fieldset class="filter">
      <legend>{texts.filter}</legend>
      <label>
        {texts.act}
        <select value={filter.method} onChange={({ currentTarget }) => choose({ method: currentTarget.value })}>
          <option value="">{texts.all}</option>
          {rows
            .toSorted(([, one], [, other]) => one.localeCompare(other, language))
            .map(([act, name]) => (
              <option key={act} value={act}>
                {name}
              </option>
            ))}
        </select>
      </label>
      <label>
        {texts.outcome}
        <select value={filter.outcome} onChange={({ currentTarget }) => choose({ outcome: outcomeOf(currentTarget.value) })}>
          <option value="all">{texts.all}</option>
          <option value="succeeded">{texts.succeeded}</option>
          <option value="failed">{texts.failed}</option>
        </select>
      </label>
    </fieldset>
  );
}

function outcomeOf(text: string): Filter['outcome'] {
  return text === 'failed' || text === 'succeeded' ? text : 'all';
}

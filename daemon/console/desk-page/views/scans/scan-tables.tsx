/** What was found, in tables: check digits of the machine-readable zone, the chip, and every check with who said so. */
import type { ComponentChildren, JSX } from 'preact';
import type { Scan } from '../../../../../api-spec/scan/scan.ts';
import { useLanguage, useTexts } from '../../language.ts';
import { Foreign } from '../../parts.tsx';
import { checkName } from './check-names.ts';
import { checkGroups, chipRows } from './scan-model.ts';
import { SCAN_TEXTS } from './scan-texts.ts';
import { VerdictBadge } from './verdict-badge.tsx';

export function ScanTables({ scan }: { readonly scan: Scan }): JSX.Element {
  return (
    <>
      <MrzTable mrz={scan.mrz} />
      <ChipTable chip={scan.chip} />
      <CheckTables scan={scan} />
      <Warnings scan={scan} />
    </>
  );
}

interface TableProps {
  readonly label: string;
  readonly heads: readonly string[];
  /** The first cell of each is its heading. */
  readonly rows: readonly (readonly ComponentChildren[])[];
}

/** It scrolls by itself where the window is narrow, also by keyboard. Columns in which nothing stands are left out. */
function Table({ label, heads: allHeads, rows: allRows }: TableProps): JSX.Element {
  const isUsed = (_: unknown, column: number): boolean => allRows.some((cells) => cells[column] !== '');
  const heads = allHeads.filter(isUsed);
  const rows = allRows.map((cells) => cells.filter(isUsed));
  return (
    <div class="table" role="group" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([first, ...others], index) => (
            <tr key={index}>
              <th scope="row">{first}</th>
              {others.map((cell, place) => (
                <td key={place}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function MrzTable({ mrz }: { readonly mrz: Scan['mrz'] }): JSX.Element {
  const texts = useTexts(SCAN_TEXTS);
  return (
    <section class="sheet" aria-labelledby="mrz">
      <h2 id="mrz">{texts.mrz}</h2>
      {!mrz && <p class="soft">{texts.noMrz}</p>}
      {mrz && (
        <>
          <p class="badges">
            <VerdictBadge verdict={mrz.verdict} />
          </p>
          <pre class="lines" role="group" tabIndex={0} aria-label={texts.mrzLines}>
            {mrz.lines.join('\n')}
          </pre>
          {mrz.corrections.map(({ line, position, read, used }) => (
            <p key={`${line} ${position}`}>{texts.corrected(line, position, read, used)}</p>
          ))}
          <Table
            label={texts.mrz}
            heads={[texts.field, texts.read, texts.expected, texts.finding]}
            rows={mrz.checkDigits.map(({ field, read, expected, verdict }) => [
              texts.digits[field],
              <code>{read}</code>,
              <code>{expected}</code>,
              <VerdictBadge verdict={verdict} />,
            ])}
          />
        </>
      )}
    </section>
  );
}

function ChipTable({ chip }: { readonly chip: Scan['chip'] }): JSX.Element {
  const texts = useTexts(SCAN_TEXTS);
  const rows = chipRows(chip, useLanguage());
  return (
    <section class="sheet" aria-labelledby="chip">
      <h2 id="chip">{texts.chipTitle}</h2>
      {rows.length === 0 ? (
        <p class="soft">{texts.noChip}</p>
      ) : (
        <Table
          label={texts.chipTitle}
          heads={[texts.check, texts.finding]}
          rows={rows.map(([name, verdict]) => [name, <VerdictBadge verdict={verdict} />])}
        />
      )}
    </section>
  );
}

function CheckTables({ scan }: { readonly scan: Scan }): JSX.Element {
  const language = useLanguage();
  const texts = useTexts(SCAN_TEXTS);
  return (
    <section class="sheet" aria-labelledby="checks">
      <h2 id="checks">{texts.checks}</h2>
      {checkGroups(scan).map(({ group, checks }) => (
        <div class="stack" key={group}>
          <h3>{texts.groups[group]}</h3>
          <Table
            label={texts.groups[group]}
            heads={[texts.check, texts.finding, texts.light, texts.sure, texts.told]}
            rows={checks.map(({ id, verdict, light, score, by, message }) => [
              <>
                <Foreign text={checkName(id, language)} />
                {message !== undefined && (
                  <span class="soft block">
                    <Foreign text={message} />
                  </span>
                )}
              </>,
              <VerdictBadge verdict={verdict} />,
              light === undefined ? '' : texts.lights[light],
              score === undefined ? '' : `${Math.round(score * 100)} %`,
              by === undefined ? '' : (texts.tellers[by] ?? <Foreign text={by} />),
            ])}
          />
        </div>
      ))}
    </section>
  );
}

function Warnings({ scan: { warnings } }: { readonly scan: Scan }): JSX.Element | null {
  const texts = useTexts(SCAN_TEXTS);
  if (warnings.length === 0) return null;
  return (
    <section class="sheet" aria-labelledby="warnings">
      <h2 id="warnings">{texts.warnings}</h2>
      <ul>
        {warnings.map((warning) => (
          <li key={warning}>
            <Foreign text={warning} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The scanners, how far each has come, and the scans that are kept: without their persons, until somebody reviews one. */
import type { JSX } from 'preact';
import type { Scanner } from '../../../../../api-spec/methods/scanner.ts';
import type { Result } from '../../../../../api-spec/methods/index.ts';
import { useTexts } from '../../language.ts';
import { Answered, Badge, Facts, Foreign, Loading, Moment, type Tone } from '../../parts.tsx';
import { addressOf } from '../../route.ts';
import { Still } from '../../still.tsx';
import { ENDS_BY_TIME_MS, usePolled } from '../../polling.ts';
import { useTopic } from '../../use-live.ts';
import type { View, ViewProps } from '../../view.ts';
import { useAskAgain } from '../ask-again.ts';
import { ScanReview } from './scan-review.tsx';
import { SCAN_TEXTS } from './scan-texts.ts';
import { scannersTopic, type ScannersState } from './scanners-state.ts';
import { VerdictBadge } from './verdict-badge.tsx';

export const scansView: View = {
  id: 'scans',
  title: { en: 'Scanners and scans', sv: 'Skannrar och inläsningar' },
  Component: Scans,
};

type Progress = ScannersState['progress'] extends ReadonlyMap<string, infer P> ? P : never;
type Summary = Result<'scanner.listScans'>['scans'][number];

const STATUS_TONES: Readonly<Record<Scanner['status'], Tone>> = {
  ready: 'good',
  busy: 'warning',
  gone: 'bad',
  failed: 'bad',
  unlicensed: 'bad',
};

function Scans({ path: [id] }: ViewProps): JSX.Element {
  return id === undefined ? <ScansAndScanners /> : <ScanReview key={id} id={id} />;
}

function ScansAndScanners(): JSX.Element {
  const texts = useTexts(SCAN_TEXTS);
  const state = useTopic(scannersTopic);
  if (!state) return <Loading />;
  return (
    <>
      <section aria-labelledby="scanners">
        <h2 id="scanners">{texts.scanners}</h2>
        {state.problems.length > 0 && (
          <div class="problem">
            <p>{texts.fileProblems}</p>
            {state.problems.map((problem) => (
              <p key={problem}>
                <Foreign text={problem} />
              </p>
            ))}
          </div>
        )}
        {state.scanners.size === 0 && (
          <div class="empty">
            <h3>{texts.noScanners}</h3>
            <p>{texts.noScannersHelp}</p>
          </div>
        )}
        <ul class="tiles">
          {[...state.scanners.values()].map((scanner) => (
            <li key={scanner.id}>
              <ScannerTile scanner={scanner} progress={state.progress.get(scanner.id)} />
            </li>
          ))}
        </ul>
      </section>
      <ScanList state={state} />
    </>
  );
}

function ScannerTile({
  scanner: { id, model, serialNumber, status, problem, abilities },
  progress,
}: {
  readonly scanner: Scanner;
  readonly progress: Progress | undefined;
}): JSX.Element {
  const texts = useTexts(SCAN_TEXTS);
  const can = [abilities.mrz && texts.readsMrz, abilities.chip && texts.readsChip, abilities.verdicts && texts.judges];
  return (
    <article class="tile" aria-labelledby={`scanner-${id}`} data-scanner={id}>
      <h3 id={`scanner-${id}`}>
        <Foreign text={model} />
      </h3>
      <p class="badges" role="status">
        <Badge tone={STATUS_TONES[status]}>{texts.status[status]}</Badge>
        {progress && <span>{progressText(progress, texts)}</span>}
      </p>
      {problem !== undefined && (
        <p>
          <Foreign text={problem} />
        </p>
      )}
      <Facts
        facts={[
          [texts.serialNumber, serialNumber && <Foreign text={serialNumber} />],
          [texts.lightsOf, abilities.lights.map((light) => texts.lights[light]).join(', ')],
          [texts.abilities, can.filter((ability) => ability !== false).join(', ')],
        ]}
      />
    </article>
  );
}

function progressText({ stage, light }: Progress, texts: (typeof SCAN_TEXTS)['en']): string {
  return light === undefined ? texts.stages[stage] : texts.inLight(texts.stages[stage], texts.lights[light]);
}

function ScanList({ state: { changes, scanners } }: { readonly state: ScannersState }): JSX.Element {
  const texts = useTexts(SCAN_TEXTS);
  const answer = usePolled('scanner.listScans', {}, ENDS_BY_TIME_MS);
  useAskAgain(changes, answer.askAgain);
  return (
    <section aria-labelledby="kept">
      <h2 id="kept">{texts.scans}</h2>
      <Answered answer={answer}>
        {({ scans }) =>
          scans.length === 0 ? (
            <div class="empty">
              <h3>{texts.noScans}</h3>
              <p>{texts.noScansHelp}</p>
            </div>
          ) : (
            <>
              <p class="soft">
                {texts.keptFor} {texts.reviewHelp}
              </p>
              <ul class="tiles">
                {scans.map((scan) => (
                  <li key={scan.scan}>
                    <ScanAt scan={scan} model={scanners.get(scan.scanner)?.model ?? scan.scanner} />
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </Answered>
    </section>
  );
}

function ScanAt({ scan, model }: { readonly scan: Summary; readonly model: string }): JSX.Element {
  return <Still on={[scan, model]}>{() => <ScanTile scan={scan} model={model} />}</Still>;
}

function ScanTile({
  scan: { scan, endedAt, verdict, judged, asker, pictures },
  model,
}: {
  readonly scan: Summary;
  /** Of the scanner. */
  readonly model: string;
}): JSX.Element {
  const texts = useTexts(SCAN_TEXTS);
  return (
    <article class="tile" aria-labelledby={`scan-${scan}`} data-scan={scan}>
      <h3 id={`scan-${scan}`}>
        <Moment iso={endedAt} />
      </h3>
      <Facts
        facts={[
          [texts.judgedAs, judged === undefined ? texts.notYetJudged : <VerdictBadge verdict={judged} />],
          [texts.result, <VerdictBadge verdict={verdict} />],
          [texts.asker, <Foreign text={asker} cut="start" />],
          [texts.scanner, <Foreign text={model} />],
          [texts.pictures, texts.pictureCount(pictures)],
        ]}
      />
      <p>
        <a class="plain button" href={addressOf('scans', scan)} aria-describedby={`scan-${scan}`}>
          {texts.review}
        </a>
      </p>
    </article>
  );
}

/** One scan, looked at closely: the verdict in words with its reasons, the pictures with what was checked in them, and the tables. */
import type { JSX } from 'preact';
import type { Result } from '../../../../../api-spec/methods/index.ts';
import { useLanguage, useTexts } from '../../language.ts';
import { Answered, Badge, Facts, Foreign, Moment } from '../../parts.tsx';
import { addressOf } from '../../route.ts';
import { useAnswer } from '../../use-live.ts';
import { VERDICT_SIGNS, VERDICT_TONES, judgementOf } from './scan-model.ts';
import { ScanPictures } from './scan-pictures.tsx';
import { ScanTables } from './scan-tables.tsx';
import { SCAN_TEXTS } from './scan-texts.ts';

export function ScanReview({ id }: { readonly id: string }): JSX.Element {
  const texts = useTexts(SCAN_TEXTS);
  const answer = useAnswer('scanner.review', { scan: id });
  return (
    <>
      <p>
        <a href={addressOf('scans')}>← {texts.back}</a>
      </p>
      <Answered answer={answer}>
        {(review) => (
          <>
            <p class="soft">{texts.reviewing}</p>
            <Judged review={review} onAskAgain={answer.askAgain} />
            <ScanPictures scan={review.scan} />
            <ScanTables scan={review.scan} />
          </>
        )}
      </Answered>
    </>
  );
}

interface JudgedProps {
  readonly review: Result<'scanner.review'>;
  readonly onAskAgain: () => void;
}

function Judged({ review: { scan, asker, verdicts }, onAskAgain }: JudgedProps): JSX.Element {
  const texts = useTexts(SCAN_TEXTS);
  const { verdict, headline, advice, reasons, ruleSet } = judgementOf(scan, verdicts, useLanguage());
  return (
    <section class="sheet" aria-labelledby="judged" data-verdict={verdict}>
      <h2 id="judged">
        <Badge tone={VERDICT_TONES[verdict]}>
          <span aria-hidden="true">{VERDICT_SIGNS[verdict]} </span>
          {headline}
        </Badge>
      </h2>
      <p>{advice}</p>
      {reasons.length > 0 && (
        <div>
          <h3>{texts.why}</h3>
          <ul class="bullets">
            {reasons.map((reason) => (
              <li key={reason}>
                <Foreign text={reason} />
              </li>
            ))}
          </ul>
        </div>
      )}
      <Facts
        facts={[
          [texts.rules, ruleSet && <Foreign text={ruleSet} />],
          [texts.scannedAt, <Moment iso={scan.endedAt} />],
          [texts.scanner, <Foreign text={scan.origin.device?.model ?? scan.origin.scanner} />],
          [texts.asker, <Foreign text={asker} cut="start" />],
          [texts.result, texts.outcomes[scan.outcome]],
        ]}
      />
      <p>
        <button type="button" class="plain" onClick={onAskAgain}>
          {texts.askAgain}
        </button>
      </p>
    </section>
  );
}

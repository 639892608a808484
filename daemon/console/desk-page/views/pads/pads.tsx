/** The signature pads: what each does, how its latest signature went, and the pen while somebody signs, for those who ask to look on. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Pad } from '../../../../../api-spec/pads.ts';
import { useTexts } from '../../language.ts';
import type { Live } from '../../live.ts';
import { Badge, Facts, Foreign, Loading, Moment, Problem, type Tone } from '../../parts.tsx';
import { useAct, useLinkState, useLive, useTopic } from '../../use-live.ts';
import type { View } from '../../view.ts';
import { InkCanvas } from './ink-canvas.tsx';
import type { Ink } from './ink.ts';
import { forgetInk, padsTopic } from './pads-state.ts';
import { PAD_TEXTS } from './pads-texts.ts';

export const padsView: View = { id: 'pads', title: { en: 'Signature pads', sv: 'Signaturplattor' }, Component: Pads };

type LastCapture = NonNullable<Pad['lastCapture']>;
const OUTCOME_TONES: Readonly<Record<LastCapture['outcome'], Tone>> = { accepted: 'good', cancelled: 'quiet', failed: 'bad' };

function Pads(): JSX.Element {
  const texts = useTexts(PAD_TEXTS);
  const state = useTopic(padsTopic);
  if (!state) return <Loading />;
  if (state.pads.size === 0)
    return (
      <div class="empty">
        <h2>{texts.none}</h2>
        <p>{texts.noneHelp}</p>
      </div>
    );
  return (
    <ul class="stack">
      {[...state.pads.values()].map((pad) => (
        <li key={pad.id}>
          <PadSheet pad={pad} ink={state.ink.get(pad.id)} revision={state.revision} />
        </li>
      ))}
    </ul>
  );
}

interface PadSheetProps {
  readonly pad: Pad;
  readonly ink: Ink | undefined;
  readonly revision: number;
}

function PadSheet({ pad, ink, revision }: PadSheetProps): JSX.Element {
  const texts = useTexts(PAD_TEXTS);
  const { model, serialNumber, capabilities, status, lastCapture } = pad;
  const { width, height } = capabilities.areaMm;
  return (
    <article class="sheet" aria-labelledby={`pad-${pad.id}`} data-pad={pad.id}>
      <h2 id={`pad-${pad.id}`}>
        <Foreign text={model} />
      </h2>
      <p class="badges" role="status">
        <Badge tone={status === 'capturing' ? 'warning' : 'good'}>{texts.status[status]}</Badge>
      </p>
      <Facts
        facts={[
          [texts.serialNumber, serialNumber && <Foreign text={serialNumber} />],
          [texts.area, texts.areaOf(width, height)],
          [texts.last, lastCapture ? <Last last={lastCapture} /> : texts.noLast],
        ]}
      />
      <LookingOn pad={pad} ink={ink} revision={revision} />
    </article>
  );
}

function Last({ last: { outcome, isComplete, endedAt } }: { readonly last: LastCapture }): JSX.Element {
  const texts = useTexts(PAD_TEXTS);
  const whole = isComplete === undefined ? undefined : isComplete ? texts.whole : texts.notWhole;
  return (
    <span class="badges">
      <Badge tone={isComplete === false ? 'warning' : OUTCOME_TONES[outcome]}>
        {texts.outcomes[outcome]}
        {whole !== undefined && `, ${whole}`}
      </Badge>
      <Moment iso={endedAt} />
    </span>
  );
}

/** Nothing of it comes any more, and what came is not kept. A lost connection was looking at nothing already. */
function lookAway(live: Live, pad: string): void {
  forgetInk(pad);
  void live.call('pad.unwatch', { pad }).catch(() => undefined);
}

/** kortd sends the pen only to a connection that asked to look on, and writes that down: a new connection asks anew. */
function LookingOn({ pad, ink, revision }: PadSheetProps): JSX.Element {
  const texts = useTexts(PAD_TEXTS);
  const isConnected = useLinkState() === 'connected';
  const [isWatching, setWatching] = useState(false);
  const watch = useAct('pad.watch', () => setWatching(true));
  const live = useLive();
  useEffect(() => {
    if (!isConnected) setWatching(false);
  }, [isConnected]);
  useEffect(() => (isWatching ? () => lookAway(live, pad.id) : undefined), [live, isWatching, pad.id]);
  if (!isWatching)
    return (
      <>
        <p class="soft">{texts.watchHelp}</p>
        {watch.error !== undefined && <Problem error={watch.error} />}
        <p>
          <button type="button" class="plain" disabled={watch.isRunning} onClick={() => watch.run({ pad: pad.id })}>
            {texts.watch}
          </button>
        </p>
      </>
    );
  return (
    <section class="stack" aria-label={texts.watching}>
      <p class="soft">{texts.watching}</p>
      <p role="status">{pad.status === 'capturing' ? texts.live : ink ? texts.ended : texts.nothingYet}</p>
      <InkCanvas ink={ink} areaMm={pad.capabilities.areaMm} revision={revision} />
      <p class="soft">
        {texts.strokes(ink?.strokes ?? 0)}
        {ink !== undefined && ink.gaps > 0 && ` · ${texts.gaps(ink.gaps)}`}
      </p>
      <p>
        <button type="button" class="plain" onClick={() => setWatching(false)}>
          {texts.stop}
        </button>
      </p>
    </section>
  );
}

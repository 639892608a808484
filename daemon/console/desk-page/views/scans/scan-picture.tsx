/** One picture of a scan: what it shows, the places that checks looked at, and the checks in words. */
import type { HTMLAttributes, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Scan, ScanImage } from '../../../../../api-spec/scan/scan.ts';
import type { Verdict } from '../../../../../api-spec/scan/verdict.ts';
import { useLanguage, useTexts } from '../../language.ts';
import { Foreign } from '../../parts.tsx';
import { checkName } from './check-names.ts';
import { drawPicture, type MarkColours } from './draw-picture.ts';
import { findingsOf, type Finding } from './marks.ts';
import { describePicture } from './scan-model.ts';
import { SCAN_TEXTS } from './scan-texts.ts';
import { usePicture } from './use-picture.ts';
import { VerdictBadge } from './verdict-badge.tsx';
import { WHOLE, afterKey, moved, type Viewport } from './viewport.ts';

const MAX_DENSITY = 2;

interface ScanPictureProps {
  readonly scan: Scan;
  readonly image: ScanImage;
  /** Of the page that it is of. Left out: all of it is shown. */
  readonly view?: Viewport;
  readonly onView?: (view: Viewport) => void;
  /** In place of kind and light. */
  readonly caption?: string;
}

export function ScanPicture({ scan, image, view = WHOLE, onView, caption }: ScanPictureProps): JSX.Element {
  const language = useLanguage();
  const texts = useTexts(SCAN_TEXTS);
  const { bitmap, hasFailed } = usePicture({ scan: scan.id, image: image.id, size: image, among: scan.images.length });
  const { findings, marks } = findingsOf(scan, image);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useDrawnWidth(canvas);
  const height = Math.round((width * image.height) / image.width);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!canvas.current || !context || !bitmap?.width || width === 0) return;
    const density = Math.min(MAX_DENSITY, window.devicePixelRatio);
    canvas.current.width = width * density;
    canvas.current.height = height * density;
    const colourOf = coloursOf(canvas.current);
    drawPicture(context, { picture: bitmap, size: { decoded: bitmap, own: image }, view, marks, density, colourOf });
    canvas.current.dataset['shown'] = image.id;
  }, [bitmap, width, height, view, scan, image]);
  const description = describePicture(
    image,
    findings.map(({ check }) => check.verdict),
    language,
  );
  return (
    <figure class="picture" data-light={image.light}>
      <figcaption>{caption ?? texts.lights[image.light]}</figcaption>
      <canvas
        ref={canvas}
        role="img"
        aria-label={description}
        style={{ aspectRatio: `${image.width} / ${image.height}` }}
        {...(onView ? draggable({ view, onView, width, height }) : {})}
      />
      {hasFailed && <p class="soft">{texts.pictureFailed}</p>}
      {!bitmap && !hasFailed && <p class="soft">{texts.pictureLoading}</p>}
      <Findings findings={findings} />
    </figure>
  );
}

function Findings({ findings }: { readonly findings: readonly Finding[] }): JSX.Element {
  const language = useLanguage();
  const texts = useTexts(SCAN_TEXTS);
  if (findings.length === 0) return <p class="soft">{texts.noChecks}</p>;
  return (
    <ol class="findings">
      {findings.map(({ number, check, place }) => (
        <li key={number} value={number}>
          <span>
            {number}. <Foreign text={checkName(check.id, language)} />
            {place !== 'marked' && <span class="soft"> – {texts.places[place]}</span>}
          </span>
          <VerdictBadge verdict={check.verdict} />
        </li>
      ))}
    </ol>
  );
}

interface Dragging {
  readonly view: Viewport;
  readonly onView: (view: Viewport) => void;
  readonly width: number;
  readonly height: number;
}

/** With the pointer, and with the keys that `afterKey` knows. */
function draggable({ view, onView, width, height }: Dragging): HTMLAttributes<HTMLCanvasElement> {
  return {
    tabIndex: 0,
    onKeyDown: (event) => {
      const next = event.ctrlKey || event.metaKey || event.altKey ? undefined : afterKey(view, event.key);
      if (!next) return;
      event.preventDefault();
      onView(next);
    },
    onPointerDown: (event) => event.currentTarget.setPointerCapture(event.pointerId),
    onPointerMove: (event) => {
      if (event.buttons !== 1 || view.zoom === 1) return;
      onView(moved(view, [-event.movementX / width, -event.movementY / height]));
    },
  };
}

function useDrawnWidth(element: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** As the page's colours are at the moment. */
function coloursOf(element: Element): (verdict: Verdict) => MarkColours {
  const style = getComputedStyle(element);
  const of = (ground: string, text: string): MarkColours => ({
    ground: style.getPropertyValue(ground),
    text: style.getPropertyValue(text),
  });
  return (verdict) => {
    if (verdict === 'passed') return of('--mark-good', '--mark-good-text');
    return verdict === 'failed' ? of('--mark-bad', '--mark-bad-text') : of('--mark-open', '--mark-open-text');
  };
}

/** The pen as it writes: a canvas in the shape of the pad, on which each frame adds what came since the last. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useTexts } from '../../language.ts';
import { canvasSize, drawInk } from './draw-ink.ts';
import type { Ink } from './ink.ts';
import { PAD_TEXTS } from './pads-texts.ts';

const MAX_HEIGHT_PX = 420;
/** Sharper than this nobody sees, and costs memory. */
const MAX_DENSITY = 2;

interface InkCanvasProps {
  readonly ink: Ink | undefined;
  readonly areaMm: { readonly width: number; readonly height: number };
  /** Changes when the ink grew. */
  readonly revision: number;
}

/** How far what is on the canvas goes. */
interface Drawn {
  readonly ink: Ink | undefined;
  readonly count: number;
  readonly look: string;
}

export function InkCanvas({ ink, areaMm, revision }: InkCanvasProps): JSX.Element {
  const texts = useTexts(PAD_TEXTS);
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawn = useRef<Drawn>({ ink: undefined, count: 0, look: '' });
  const width = useWidth(frame);
  const scheme = useColourScheme();
  const size = canvasSize(areaMm, { width, maxHeight: MAX_HEIGHT_PX });
  const look = `${size.width} ${scheme}`;
  useEffect(() => {
    if (canvas.current) drawn.current = draw(canvas.current, { ...{ ink, look, size, areaMm }, drawn: drawn.current });
  }, [ink, revision, look]);
  return (
    <div ref={frame} class="ink">
      <canvas ref={canvas} role="img" aria-label={texts.picture(ink?.strokes ?? 0)} />
    </div>
  );
}

interface Drawing extends Pick<InkCanvasProps, 'areaMm' | 'ink'> {
  readonly look: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly drawn: Drawn;
}

function draw(canvas: HTMLCanvasElement, { ink, look, size, areaMm, drawn }: Drawing): Drawn {
  const context = canvas.getContext('2d');
  if (!context) return drawn;
  const density = Math.min(MAX_DENSITY, window.devicePixelRatio);
  const isFresh = drawn.ink !== ink || drawn.look !== look || (ink?.length ?? 0) < drawn.count;
  if (isFresh) {
    canvas.width = size.width * density;
    canvas.height = size.height * density;
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
  }
  if (!ink) return { ink, count: 0, look };
  const scale = { pixelsPerMm: (size.width * density) / areaMm.width, colour: getComputedStyle(canvas).color };
  return { ink, count: drawInk(context, ink, { from: isFresh ? 0 : drawn.count, scale }), look };
}

function useWidth(frame: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(1);
  useEffect(() => {
    if (!frame.current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 1)));
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

function useColourScheme(): 'dark' | 'light' {
  const query = matchMedia('(prefers-color-scheme: dark)');
  const [isDark, setDark] = useState(query.matches);
  useEffect(() => {
    const change = (): void => setDark(query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, []);
  return isDark ? 'dark' : 'light';
}

/**
 * The pictures of a scan in the browser: fetched one after the other, decoded no larger than there is room for, and given back when they are no longer
 * shown. They never become an address: nothing of them can be opened elsewhere, or stays in a cache.
 */
import { useEffect, useState } from 'preact/hooks';
import type { Live } from '../../live.ts';
import { useLive } from '../../use-live.ts';
import { keptSize, type Size } from './picture-budget.ts';

export interface ShownPicture {
  readonly bitmap?: ImageBitmap;
  readonly hasFailed: boolean;
}

export interface WantedPicture {
  readonly scan: string;
  readonly image: string;
  readonly size: Size;
  /** How many pictures the scan has: they share the room. */
  readonly among: number;
}

/** One on its way at a time: together they would need several times the memory. */
let turn: Promise<unknown> = Promise.resolve();

export function usePicture({ scan, image, size, among }: WantedPicture): ShownPicture {
  const live = useLive();
  const [shown, setShown] = useState<ShownPicture>({ hasFailed: false });
  const { width, height } = keptSize(size, among);
  useEffect(() => {
    const giveUp = new AbortController();
    const { signal } = giveUp;
    let kept: ImageBitmap | undefined;
    const show = async (): Promise<void> => {
      if (signal.aborted) return;
      kept = await fetchPicture(live, { scan, image, width, height, signal });
      setShown({ bitmap: kept, hasFailed: false });
    };
    turn = turn.then(show).catch(() => signal.aborted || setShown({ hasFailed: true }));
    return () => {
      giveUp.abort();
      kept?.close();
    };
  }, [live, scan, image, width, height]);
  return shown;
}

interface Fetching extends Size {
  readonly scan: string;
  readonly image: string;
  readonly signal: AbortSignal;
}

async function fetchPicture(live: Live, { scan, image, width, height, signal }: Fetching): Promise<ImageBitmap> {
  const { mediaType, data } = await live.call('scanner.picture', { scan, image }, { signal });
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: mediaType }), {
    ...{ resizeWidth: width, resizeHeight: height, resizeQuality: 'high' },
  });
  if (signal.aborted) bitmap.close();
  signal.throwIfAborted();
  return bitmap;
}

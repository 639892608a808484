/** The pictures of a scan: each page in all its lights, side by side and at the same place; portraits; and details beside what they should look like. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Scan, ScanImage } from '../../../../../api-spec/scan/scan.ts';
import { useTexts } from '../../language.ts';
import { picturesOf } from './scan-model.ts';
import { ScanPicture } from './scan-picture.tsx';
import { SCAN_TEXTS } from './scan-texts.ts';
import { WHOLE, ZOOMS, zoomed, type Viewport } from './viewport.ts';

export function ScanPictures({ scan }: { readonly scan: Scan }): JSX.Element | null {
  const texts = useTexts(SCAN_TEXTS);
  const { pages, portraits, details } = picturesOf(scan);
  if (scan.images.length === 0) return null;
  return (
    <section aria-labelledby="pictures">
      <h2 id="pictures">{texts.pictures}</h2>
      {pages.map((images, index) => (
        <PageInLights key={index} scan={scan} images={images} number={index + 1} />
      ))}
      {portraits.length > 0 && (
        <section class="sheet" aria-labelledby="portraits">
          <h3 id="portraits">{texts.portraits}</h3>
          <div class="pictures small">
            {portraits.map((image) => (
              <ScanPicture key={image.id} scan={scan} image={image} caption={texts.kinds[image.kind]} />
            ))}
          </div>
        </section>
      )}
      {details.length > 0 && (
        <section class="sheet" aria-labelledby="details">
          <h3 id="details">{texts.details}</h3>
          <p class="soft">{texts.detailHelp}</p>
          {details.map(({ detail, reference }) => (
            <div class="pictures small" key={detail.id}>
              <ScanPicture scan={scan} image={detail} caption={`${texts.kinds.detail}, ${texts.lights[detail.light]}`} />
              {reference && <ScanPicture scan={scan} image={reference} caption={texts.kinds.reference} />}
            </div>
          ))}
        </section>
      )}
    </section>
  );
}

interface PageProps {
  readonly scan: Scan;
  readonly images: readonly ScanImage[];
  readonly number: number;
}

function PageInLights({ scan, images, number }: PageProps): JSX.Element {
  const texts = useTexts(SCAN_TEXTS);
  const [view, setView] = useState<Viewport>(WHOLE);
  return (
    <section class="sheet" aria-labelledby={`page-${number}`}>
      <h3 id={`page-${number}`}>{texts.page(number)}</h3>
      <p class="soft">{texts.zoomHelp}</p>
      <div class="inline-buttons" role="group" aria-label={texts.zoom}>
        <button type="button" class="plain" disabled={view.zoom === ZOOMS.at(-1)} onClick={() => setView(zoomed(view, 1))}>
          {texts.zoomIn}
        </button>
        <button type="button" class="plain" disabled={view.zoom === 1} onClick={() => setView(zoomed(view, -1))}>
          {texts.zoomOut}
        </button>
        <button type="button" class="plain" disabled={view.zoom === 1} onClick={() => setView(WHOLE)}>
          {texts.zoomWhole}
        </button>
        <output class="soft">{texts.zoomedTo(Math.round(view.zoom * 100))}</output>
      </div>
      <div class="pictures">
        {images.map((image) => (
          <ScanPicture key={image.id} scan={scan} image={image} view={view} onView={setView} />
        ))}
      </div>
    </section>
  );
}

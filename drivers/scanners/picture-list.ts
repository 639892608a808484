/** The pictures of one scan as a driver gathers them from an answer: each with an id of its own, no more than a scan may have, and none twice. */
import type { ImageKind } from '../../api-spec/scan/report.ts';
import type { DriverImage } from './driver.ts';

/** As many as a scan takes. */
const MAX_PICTURES = 32;
/** Of one, and of all. */
const MAX_PICTURE_BYTES = 12_582_912;
const MAX_BYTES = 33_554_432;
/** A scan is not whole without them; others only show what a check says. */
const NEEDED: ReadonlySet<ImageKind> = new Set<ImageKind>(['page', 'portrait', 'portraitChip']);

export class PictureList {
  readonly #pictures: DriverImage[] = [];
  readonly #max: number;
  #isCut = false;
  #bytes = 0;

  constructor(max: number = MAX_PICTURES) {
    this.#max = max;
  }

  /** Its id, with a number behind it where there is one such already; undefined when it is left out: no bytes, too many of them, or no place. */
  add(picture: Omit<DriverImage, 'bytes'> & { readonly bytes: Uint8Array | undefined }): string | undefined {
    const { bytes } = picture;
    if (!bytes) return undefined;
    const isTooMuch = bytes.length > MAX_PICTURE_BYTES || this.#bytes + bytes.length > MAX_BYTES;
    if (this.#pictures.length >= this.#max || isTooMuch) {
      this.#isCut ||= NEEDED.has(picture.kind);
      return undefined;
    }
    this.#bytes += bytes.length;
    const taken = new Set(this.#pictures.map(({ id }) => id));
    let id = picture.id;
    for (let number = 2; taken.has(id); number++) id = `${picture.id}-${number}`;
    this.#pictures.push({ ...picture, bytes, id });
    return id;
  }

  has(matches: (picture: DriverImage) => boolean): boolean {
    return this.#pictures.some(matches);
  }

  /** A picture was left out that a scan is not whole without. */
  get isCut(): boolean {
    return this.#isCut;
  }

  get pictures(): readonly DriverImage[] {
    return this.#pictures;
  }
}

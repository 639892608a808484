/** The pictures of one scan as a driver gathers them from an answer: each with an id of its own, no more than a scan may have, and none twice. */
import type { DriverImage } from './driver.ts';

/** As many as a scan takes. */
const MAX_PICTURES = 32;
const MAX_PICTURE_BYTES = 16 * 1024 * 1024;

export class PictureList {
  readonly #pictures: DriverImage[] = [];
  readonly #max: number;
  #isFull = false;

  constructor(max: number = MAX_PICTURES) {
    this.#max = max;
  }

  /** Its id, with a number behind it where there is one such already; undefined when it is left out: no bytes, too many of them, or no place. */
  add(picture: Omit<DriverImage, 'bytes'> & { readonly bytes: Uint8Array | undefined }): string | undefined {
    const { bytes } = picture;
    if (!bytes) return undefined;
    if (this.#pictures.length >= this.#max || bytes.length > MAX_PICTURE_BYTES) {
      this.#isFull = true;
      return undefined;
    }
    const taken = new Set(this.#pictures.map(({ id }) => id));
    let id = picture.id;
    for (let number = 2; taken.has(id); number++) id = `${picture.id}-${number}`;
    this.#pictures.push({ ...picture, bytes, id });
    return id;
  }

  has(matches: (picture: DriverImage) => boolean): boolean {
    return this.#pictures.some(matches);
  }

  /** Something was left out. */
  get isCut(): boolean {
    return this.#isFull;
  }

  get pictures(): readonly DriverImage[] {
    return this.#pictures;
  }
}

/** What pictures are here: what a file says of itself, pixels, and what goes wrong with either. */

export type ImageFormat = 'jpeg' | 'jpeg2000' | 'png';

/** What a file says of itself, read without decoding it. */
export interface ImageDescription {
  readonly format: ImageFormat;
  readonly mediaType: 'image/jp2' | 'image/jpeg' | 'image/png';
  readonly width: number;
  readonly height: number;
}

/** Rows from the top, pixels from the left, `channels` bytes each: grey, RGB or RGBA. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** `unsupported`: no picture, or of a kind that is not read here. `damaged`: one that cannot be decoded. `excessive`: larger, or longer to decode, than allowed. */
export type ImageProblem = 'damaged' | 'excessive' | 'unsupported';

export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly problem: ImageProblem;

  constructor(problem: ImageProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

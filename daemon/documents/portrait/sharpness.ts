/**
 * How sharp a face is: the variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000), of the face brought to one size, so
 * that pictures of many sizes can be compared. A picture that was only made larger stays as soft as it was.
 */

/** From eyes to chin. */
const SCALED_PX = 100;

export interface Window {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** `eyesToChinPx`: of the picture as it is. Undefined for a window that is too small to say anything. */
export function measureSharpness(luma: Uint8Array, width: number, window: Window, eyesToChinPx: number): number | undefined {
  const scale = Math.max(1, eyesToChinPx / SCALED_PX);
  const columns = Math.floor((window.right - window.left) / scale);
  const rows = Math.floor((window.bottom - window.top) / scale);
  if (columns < 3 || rows < 3) return undefined;
  const small = shrink(luma, width, window, { columns, rows, scale });
  let [sum, squares] = [0, 0];
  for (let y = 1; y < rows - 1; y++)
    for (let x = 1; x < columns - 1; x++) {
      const at = y * columns + x;
      const around = (small[at - 1] ?? 0) + (small[at + 1] ?? 0) + (small[at - columns] ?? 0) + (small[at + columns] ?? 0);
      const laplacian = around - 4 * (small[at] ?? 0);
      sum += laplacian;
      squares += laplacian * laplacian;
    }
  const count = (columns - 2) * (rows - 2);
  return squares / count - (sum / count) ** 2;
}

/** Each pixel is the mean of those that it stands for. */
function shrink(
  luma: Uint8Array,
  width: number,
  { left, top }: Window,
  { columns, rows, scale }: { readonly columns: number; readonly rows: number; readonly scale: number },
): Float32Array {
  const small = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const [x0, x1] = [Math.floor(left + column * scale), Math.floor(left + (column + 1) * scale)];
      const [y0, y1] = [Math.floor(top + row * scale), Math.floor(top + (row + 1) * scale)];
      let sum = 0;
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) sum += luma[y * width + x] ?? 0;
      small[row * columns + column] = sum / ((x1 - x0) * (y1 - y0));
    }
  return small;
}

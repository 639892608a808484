/**
 * What a signotec pad shows, as the picture that its service takes (TOKEN_PARAM_PAD_DIALOG_IMAGE, base64). Text is drawn here and not given as
 * TOKEN_PARAM_CUSTOM_TEXT, whose room is not known: what does not fit would be cut, and somebody would sign what they did not see. Buttons are the service's.
 */
import type { PadScreen } from '../driver.ts';

export async function renderDialog(
  screen: PadScreen,
  size: { readonly widthPx: number; readonly heightPx: number },
): Promise<string> {
  const [{ composeScreen }, { encodePng }] = await Promise.all([
    import('../screen/compose.ts'),
    import('../../images/convert.ts'),
  ]);
  const { rgb, widthPx, heightPx } = composeScreen({ ...screen, buttons: [] }, size);
  const png = await encodePng(
    { width: widthPx, height: heightPx, channels: 3, data: rgb },
    { signal: AbortSignal.timeout(RENDER_TIMEOUT_MS) },
  );
  return Buffer.from(png).toString('base64');
}

const RENDER_TIMEOUT_MS = 10_000;

/** Every handler by its method's name. */
import type { Handlers } from '../call.ts';
import { accessHandlers } from './access.ts';
import { auditHandlers } from './audit.ts';
import { cardHandlers } from './card.ts';
import { certificateHandlers } from './certificate.ts';
import { connectionHandlers } from './connection.ts';
import { consoleHandlers } from './console.ts';
import type { HandlerContext } from './context.ts';
import { documentHandlers } from './document.ts';
import { issuanceHandlers } from './issuance.ts';
import { keyHandlers } from './key.ts';
import { loginHandlers } from './login.ts';
import { padHandlers } from './pad.ts';
import { passportHandlers } from './passport.ts';
import { pinHandlers } from './pin.ts';
import { portraitHandlers } from './portrait.ts';
import { promptHandlers } from './prompt.ts';
import { readerHandlers } from './reader.ts';
import { scannerHandlers } from './scanner.ts';
import { signCmsHandlers } from './sign-cms.ts';
import { signPdfHandlers } from './sign-pdf.ts';
import { signHandlers } from './sign.ts';
import { signatureHandlers } from './signature.ts';
import { simulationHandlers } from './simulation.ts';
import { systemHandlers } from './system.ts';
import { traceHandlers } from './trace.ts';

export function createHandlers(context: HandlerContext): Handlers {
  return {
    ...systemHandlers(context),
    ...readerHandlers(context),
    ...cardHandlers(context),
    ...pinHandlers(context),
    ...keyHandlers(context),
    ...certificateHandlers(context),
    ...signHandlers(context),
    ...signCmsHandlers(context),
    ...signPdfHandlers(context),
    ...signatureHandlers(context),
    ...scannerHandlers(context),
    ...loginHandlers(context),
    ...passportHandlers(context),
    ...documentHandlers(context),
    ...portraitHandlers(context),
    ...issuanceHandlers(context),
    ...padHandlers(context),
    ...promptHandlers(context),
    ...accessHandlers(context),
    ...auditHandlers(context),
    ...consoleHandlers(context),
    ...traceHandlers(context),
    ...simulationHandlers(context),
    ...connectionHandlers(),
  };
}

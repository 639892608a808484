/** Every method. The documents list them in this order. */
import type { ParamsOf, ResultOf } from '../method.ts';
import { accessMethods } from './access.ts';
import { auditMethods } from './audit.ts';
import { cardMethods } from './card.ts';
import { certificateMethods } from './certificate.ts';
import { connectionMethods } from './connection.ts';
import { consoleMethods } from './console.ts';
import { documentMethods } from './document.ts';
import { issuanceMethods } from './issuance.ts';
import { keyMethods } from './key.ts';
import { loginMethods } from './login.ts';
import { padMethods } from './pad.ts';
import { passportMethods } from './passport.ts';
import { pinMethods } from './pin.ts';
import { promptMethods } from './prompt.ts';
import { readerMethods } from './reader.ts';
import { scannerMethods } from './scanner.ts';
import { signCmsMethods } from './sign-cms.ts';
import { signPdfMethods } from './sign-pdf.ts';
import { signMethods } from './sign.ts';
import { signatureMethods } from './signature.ts';
import { simulationMethods } from './simulation.ts';
import { systemMethods } from './system.ts';
import { traceMethods } from './trace.ts';

export const METHODS = {
  ...systemMethods,
  ...readerMethods,
  ...cardMethods,
  ...pinMethods,
  ...keyMethods,
  ...certificateMethods,
  ...signMethods,
  ...signCmsMethods,
  ...signPdfMethods,
  ...signatureMethods,
  ...scannerMethods,
  ...loginMethods,
  ...passportMethods,
  ...documentMethods,
  ...issuanceMethods,
  ...padMethods,
  ...promptMethods,
  ...accessMethods,
  ...auditMethods,
  ...consoleMethods,
  ...traceMethods,
  ...simulationMethods,
  ...connectionMethods,
} as const;

export type Methods = typeof METHODS;
export type MethodName = keyof Methods;
export type Params<N extends MethodName> = ParamsOf<Methods[N]>;
export type Result<N extends MethodName> = ResultOf<Methods[N]>;
export const METHOD_NAMES = Object.keys(METHODS) as MethodName[];

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(METHODS, name);
}

/** The shape that all objects of the wire have. */
import Type, { type TProperties } from 'typebox';

/** An object that takes no field beyond these. */
export function Closed<const P extends TProperties>(properties: P, description?: string) {
  return Type.Object(properties, { additionalProperties: false, ...(description === undefined ? {} : { description }) });
}

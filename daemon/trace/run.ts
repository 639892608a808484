/**
 * What is kept and what is hidden of a byte string, as runs from its start to its end. A mask is made once for a whole answer or file, and cut where the
 * exchanges were cut.
 */

/**
 * What a hidden run stands for, so that a replay can put something there that still parses: any bytes, bytes whose first bit is set (an INTEGER after its 00),
 * a time in ASN.1, a point of an elliptic curve.
 */
export type Form = 'bytes' | 'high' | 'point' | 'time';

export type Run =
  | { readonly kind: 'kept'; readonly lengthBytes: number }
  /** Secret: no pseudonym, so that nobody sees that two are the same. */
  | { readonly kind: 'hidden'; readonly lengthBytes: number; readonly form: Form; readonly isSecret?: true };

export type Mask = readonly Run[];

export function kept(lengthBytes: number): Mask {
  return lengthBytes === 0 ? [] : [{ kind: 'kept', lengthBytes }];
}

export function hidden(lengthBytes: number, form: Form = 'bytes'): Mask {
  return lengthBytes === 0 ? [] : [{ kind: 'hidden', lengthBytes, form }];
}

export function secret(lengthBytes: number): Mask {
  return lengthBytes === 0 ? [] : [{ kind: 'hidden', lengthBytes, form: 'bytes', isSecret: true }];
}

/** Everything that the mask hides, hidden without a pseudonym. */
export function withoutPseudonyms(mask: Mask): Mask {
  return mask.map((run) => (run.kind === 'kept' ? run : { ...run, isSecret: true as const }));
}

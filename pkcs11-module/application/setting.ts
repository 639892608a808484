/**
 * C_SetAttributeValue (PKCS #11 v3.0, section 5.7.6): of keys and certificates, what the token keeps, and read back from it; of session objects, what the
 * standard lets be changed. A value that the object has already is no change: NSS sets such a one, and takes a new key back when that is refused.
 */
import type { NextName, TokenContents } from '../../apdu/token.ts';
import * as ck from '../constants.ts';
import { CkError, valueOf } from '../errors.ts';
import type { Attribute } from '../rpc/attributes.ts';
import { beginChange, change, requireChangeable } from './changing.ts';
import type { ApplicationContext, Functions } from './context.ts';
import type { TokenObject } from './objects.ts';
import { changedSecretKey } from './secret-keys.ts';

const MAX_ID_BYTES = 60;
const MAX_LABEL_LENGTH = 200;

export function settingFunctions(context: ApplicationContext): Functions {
  const { session: open, sessions } = context;
  return {
    C_SetAttributeValue: async ([handle, objectHandle, attributes]) => {
      const { slot } = open(handle);
      const object = await context.object(handle, objectHandle);
      if (sessions.objects.find(slot.id, objectHandle)) {
        sessions.objects.replace(objectHandle, changedSecretKey(object, attributes));
        return [];
      }
      await requireChangeable(context, handle);
      const next = nextName(object, attributes);
      const changeable = await beginChange(context, handle);
      if (!next) return [];
      requireFree(next, changeable.reading.contents);
      const { keyReference = '', der } = object.certificate ?? { keyReference: object.key?.keyReference };
      const named = next.keyReference === undefined ? [] : (await context.objectsOf(slot)).filter(isOf(keyReference));
      try {
        await change(context, changeable, { act: 'pkcs11.rename', keyReference, ...(der ? { der } : {}), next });
      } catch (error) {
        if (valueOf(error) !== ck.CKR_FUNCTION_NOT_SUPPORTED) throw error;
        throw new CkError(ck.CKR_ATTRIBUTE_READ_ONLY, `renaming object ${objectHandle}: the token does not let it be`, {
          cause: error,
        });
      }
      if (next.keyReference !== undefined) context.renamed(slot, named, idOf(next.keyReference));
      return [];
    },
  };
}

function requireFree({ keyReference }: NextName, { keys, certificates }: TokenContents): void {
  if ([...keys, ...certificates].some((one) => one.keyReference === keyReference))
    throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, `changing CKA_ID: ${keyReference} is that of something else`);
}

function isOf(keyReference: string): (object: TokenObject) => boolean {
  return ({ key, certificate }) => (key ?? certificate)?.keyReference === keyReference;
}

/** All is looked at before anything is done; undefined when nothing is to be. */
function nextName(object: TokenObject, attributes: readonly Attribute[]): NextName | undefined {
  const wanted = new Map<number, Uint8Array>();
  for (const { type, value } of attributes) {
    const own = object.attributes.get(type);
    if (!own) throw new CkError(ck.CKR_ATTRIBUTE_TYPE_INVALID, `changing attribute ${type}: the object has it not`);
    if (!(value instanceof Uint8Array)) throw readOnly(type);
    const isSame = equal(own, value) || (type === ck.CKA_ID && hasOtherId(object, value));
    const isOther = wanted.has(type) && !equal(wanted.get(type), value);
    if (isOther) throw new CkError(ck.CKR_TEMPLATE_INCONSISTENT, `changing attribute ${type}: it is there twice`);
    if (!isSame) wanted.set(type, value);
  }
  if (wanted.size === 0) return undefined;
  const isModifiable = object.attributes.get(ck.CKA_MODIFIABLE)?.[0] === 1;
  for (const type of wanted.keys()) {
    const isKept = type === ck.CKA_LABEL || (type === ck.CKA_ID && object.key !== undefined);
    if (!isModifiable || !isKept) throw readOnly(type);
  }
  const [id, label] = [wanted.get(ck.CKA_ID), wanted.get(ck.CKA_LABEL)];
  return {
    ...(id === undefined ? {} : { keyReference: referenceOf(id) }),
    ...(label === undefined ? {} : { label: labelOf(label) }),
  };
}

/** It is found by that one already; of a token that keeps what it is told, that one is written to it. */
function hasOtherId({ attributes, otherIds = [] }: TokenObject, value: Uint8Array): boolean {
  return attributes.get(ck.CKA_MODIFIABLE)?.[0] === 0 && otherIds.some((id) => equal(id, value));
}

function readOnly(type: number): CkError {
  return new CkError(ck.CKR_ATTRIBUTE_READ_ONLY, `changing attribute ${type}: it is as the card has it`);
}

function referenceOf(id: Uint8Array): string {
  if (id.length > 0 && id.length <= MAX_ID_BYTES) return Buffer.from(id).toString('hex').toUpperCase();
  throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, `changing CKA_ID: 1 to ${MAX_ID_BYTES} bytes fit, and not ${id.length}`);
}

function idOf(keyReference: string): Uint8Array {
  return new Uint8Array(Buffer.from(keyReference, 'hex'));
}

/** As it would be shown again. */
function labelOf(value: Uint8Array): string {
  try {
    const label = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
    const isPlain = label === label.trim() && !/[\u0000-\u001f\u007f]/.test(label);
    if (isPlain && label !== '' && label.length <= MAX_LABEL_LENGTH) return label;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw new CkError(
    ck.CKR_ATTRIBUTE_VALUE_INVALID,
    `changing CKA_LABEL: it is to be 1 to ${MAX_LABEL_LENGTH} letters of UTF-8, none of them for control, and no space around them`,
  );
}

function equal(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0;
}

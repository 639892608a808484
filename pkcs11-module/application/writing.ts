/** Objects that programs make, change and delete on a token (PKCS #11 v3.0, sections 5.7.1 to 5.7.3). Certificates of the card's keys are written; keys are made on the card alone. */
import type { X509Certificate } from 'node:crypto';
import * as ck from '../constants.ts';
import { CkError } from '../errors.ts';
import type { Attribute } from '../rpc/attributes.ts';
import { beginChange, change, requireReadWrite } from './changing.ts';
import type { ApplicationContext, Functions } from './context.ts';
import { certificateFields, type TokenObject } from './objects.ts';
import { placeForCertificate } from './places.ts';
import { Template } from './template.ts';

const KNOWN: ReadonlySet<number> = new Set([
  ...[ck.CKA_CLASS, ck.CKA_TOKEN, ck.CKA_PRIVATE, ck.CKA_LABEL, ck.CKA_VALUE, ck.CKA_CERTIFICATE_TYPE, ck.CKA_ISSUER],
  ...[ck.CKA_SERIAL_NUMBER, ck.CKA_TRUSTED, ck.CKA_CERTIFICATE_CATEGORY, ck.CKA_SUBJECT, ck.CKA_ID, ck.CKA_CHECK_VALUE],
  ...[ck.CKA_START_DATE, ck.CKA_END_DATE, ck.CKA_PUBLIC_KEY_INFO, ck.CKA_MODIFIABLE, ck.CKA_COPYABLE, ck.CKA_DESTROYABLE],
]);

export function writingFunctions(context: ApplicationContext): Functions {
  const { desk, session: open, sessions } = context;
  const refuseInitialising = (slotId: number): never => {
    const slot = desk.slots().find(({ id }) => id === slotId);
    if (!slot) throw new CkError(ck.CKR_SLOT_ID_INVALID, `initialising the token in slot ${slotId}: there is no slot`);
    if (!slot.token) throw new CkError(ck.CKR_TOKEN_NOT_PRESENT, `initialising the token in slot ${slotId}: no card is there`);
    throw new CkError(ck.CKR_FUNCTION_NOT_SUPPORTED, 'initialising a token: a card is not emptied by a program');
  };
  return {
    C_CreateObject: async ([handle, attributes]) => {
      requireReadWrite(open(handle).session);
      const { der, id, publicKey } = wantedCertificate(attributes);
      const changeable = await beginChange(context, handle);
      const keyReference = placeForCertificate(id, publicKey, changeable);
      await change(context, changeable, { act: 'pkcs11.writeCertificate', keyReference, der });
      const isSame = (other: Uint8Array | undefined): boolean => other !== undefined && Buffer.compare(other, der) === 0;
      const objects = await context.objectsOf(changeable.slot);
      // Of a token that counts the certificate as an authority's, it is there and of no key.
      const isMade = ({ certificate, attributes }: TokenObject): boolean =>
        certificate ? certificate.keyReference === keyReference && isSame(certificate.der) : isSame(attributes.get(ck.CKA_VALUE));
      const made = objects.find(isMade);
      if (made) return [made.handle];
      throw new CkError(ck.CKR_DEVICE_ERROR, `writing a certificate to ${keyReference}: the card does not show it`);
    },
    C_DestroyObject: async ([handle, objectHandle]) => {
      const { session, slot } = open(handle);
      const held = sessions.objects.find(slot.id, objectHandle);
      if (held) {
        if (!held.isDestroyable) throw prohibited(`deleting object ${objectHandle}: it was made to stay (CKA_DESTROYABLE)`);
        sessions.objects.destroy(objectHandle);
        return [];
      }
      requireReadWrite(session);
      const { certificate, key, isPrivate, isDestroyable } = await context.object(handle, objectHandle);
      if (!isDestroyable) throw prohibited(`deleting object ${objectHandle}: it cannot be deleted`);
      const changeable = await beginChange(context, handle);
      if (certificate) await change(context, changeable, { act: 'pkcs11.deleteCertificate', ...certificate });
      else if (key && isPrivate) await change(context, changeable, { act: 'pkcs11.deleteKey', keyReference: key.keyReference });
      return [];
    },
    C_CopyObject: async ([handle, objectHandle]) => {
      await context.object(handle, objectHandle);
      throw prohibited(`copying object ${objectHandle}: objects of cards are not copied`);
    },
    C_InitToken: ([slotId]) => refuseInitialising(slotId),
    C_InitToken2: ([slotId]) => refuseInitialising(slotId),
  };
}

function prohibited(message: string): CkError {
  return new CkError(ck.CKR_ACTION_PROHIBITED, message);
}

interface WantedCertificate {
  readonly der: Uint8Array;
  readonly id: Uint8Array | undefined;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/** Throws what C_CreateObject returns for a template of anything else. */
function wantedCertificate(attributes: readonly Attribute[]): WantedCertificate {
  const what = 'writing an object';
  const objectClass = attributes.find(({ type }) => type === ck.CKA_CLASS);
  if (!objectClass) throw new CkError(ck.CKR_TEMPLATE_INCOMPLETE, `${what}: it has no CKA_CLASS`);
  new Template(what, [objectClass], KNOWN).expectUlong(ck.CKA_CLASS, ck.CKO_CERTIFICATE);
  const template = new Template('writing a certificate', attributes, KNOWN);
  template.requireToken();
  template.refuseFlag(ck.CKA_PRIVATE, true);
  template.refuseFlag(ck.CKA_TRUSTED, true);
  template.expectUlong(ck.CKA_CERTIFICATE_TYPE, ck.CKC_X_509);
  const der = template.require(template.bytes(ck.CKA_VALUE), 'CKA_VALUE');
  const fields = certificateFields(der);
  if (!fields || Buffer.compare(fields.certificate.raw, der) !== 0)
    throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, 'writing a certificate: its value is no X.509 certificate');
  template.expectBytes(ck.CKA_SUBJECT, fields.subject);
  template.expectBytes(ck.CKA_ISSUER, fields.issuer);
  template.expectBytes(ck.CKA_SERIAL_NUMBER, fields.serialNumber);
  return { der, id: template.bytes(ck.CKA_ID), publicKey: publicKeyOf(fields.certificate) };
}

function publicKeyOf(certificate: X509Certificate): Uint8Array {
  try {
    return new Uint8Array(certificate.publicKey.export({ type: 'spki', format: 'der' }));
  } catch (error) {
    throw new CkError(ck.CKR_ATTRIBUTE_VALUE_INVALID, 'writing a certificate: its key is of no kind that is known', {
      cause: error,
    });
  }
}

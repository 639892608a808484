/** Other names and labels for what is on a card: C_SetAttributeValue (Base Specification, section 5.7), on every object that goes by the name. */
import { equalBytes } from '../../apdu/bytes.ts';
import { CardDataError, NotSupportedByCardError, ObjectNotFoundError } from '../../apdu/errors.ts';
import type { NamedObject, NextName } from '../../apdu/token.ts';
import * as ck from './constants.ts';
import { idOf, referenceOf } from './key-directory.ts';
import type { CardKeys } from './module-token.ts';
import { bytes, template, type Row } from './template-rows.ts';
import { certificatesOf, requirePin } from './writable.ts';

/** One object of the module, as it is to be and as it was. */
interface Renaming {
  readonly handle: string;
  readonly next: readonly Row[];
  readonly before: readonly Row[];
}

interface Work {
  readonly keys: CardKeys;
  readonly attempt: string;
  readonly slot: number;
}

export async function rename(keys: CardKeys, object: NamedObject, next: NextName): Promise<void> {
  const attempt = `renaming ${object.der ? 'the certificate of ' : ''}key ${object.keyReference}`;
  if (object.der) await renameCertificate(keys, attempt, { ...object, der: object.der, next });
  else await renameKey(keys, attempt, { keyReference: object.keyReference, next });
}

async function renameCertificate(
  keys: CardKeys,
  attempt: string,
  { keyReference, der, next }: { readonly keyReference: string; readonly der: Uint8Array; readonly next: NextName },
): Promise<void> {
  if (next.keyReference !== undefined) throw new NotSupportedByCardError(`${attempt}: it goes by the name of its key`);
  const found = (await certificatesOf(keys, keyReference)).filter((one) => equalBytes(one.der, der));
  const [first] = found;
  if (!first) throw new ObjectNotFoundError(`${attempt}: the card has it not`);
  const renamings = found.map(({ handle, label = '' }) => ({
    handle,
    next: labelRows(next),
    before: [bytes(ck.CKA_LABEL, Buffer.from(label))],
  }));
  await perform({ keys, attempt, slot: first.slot }, renamings);
}

async function renameKey(
  keys: CardKeys,
  attempt: string,
  { keyReference, next }: { readonly keyReference: string; readonly next: NextName },
): Promise<void> {
  await keys.readAnew();
  const key = await keys.require(keyReference);
  const directory = await keys.directory();
  const isAlone = directory.keys.filter(({ id }) => equalBytes(id, key.id)).length === 1;
  if (!isAlone || referenceOf(key.id, key.label) !== key.keyReference || key.id.length === 0)
    throw new NotSupportedByCardError(`${attempt}: its CKA_ID names more than this key, or none`);
  if (next.keyReference !== undefined) requireFree(attempt, next.keyReference, directory);
  const { slot, id } = key;
  const read = [{ type: ck.CKA_LABEL, kind: 'bytes' as const }];
  const idRows = next.keyReference === undefined ? [] : [bytes(ck.CKA_ID, idOf(next.keyReference))];
  const idBefore = idRows.length === 0 ? [] : [bytes(ck.CKA_ID, id)];
  const halves = [
    ...(await keys.findObjects(slot, ck.CKO_PUBLIC_KEY, read, id)),
    ...(await keys.findObjects(slot, ck.CKO_PRIVATE_KEY, read, id)),
  ].map(({ handle, bytes: values }) => ({
    handle,
    next: [...idRows, ...labelRows(next)],
    before: [
      ...idBefore,
      ...(next.label === undefined ? [] : [bytes(ck.CKA_LABEL, values.get(ck.CKA_LABEL) ?? new Uint8Array())]),
    ],
  }));
  if (halves.length === 0) throw new ObjectNotFoundError(`${attempt}: the card shows no key of this CKA_ID`);
  const certificates = directory.certificates
    .filter((one) => idRows.length > 0 && one.slot === slot && equalBytes(one.id, id))
    .map(({ handle }) => ({ handle, next: idRows, before: idBefore }));
  await perform({ keys, attempt, slot }, [...certificates, ...halves]);
}

function requireFree(
  attempt: string,
  keyReference: string,
  { keys, certificates }: Awaited<ReturnType<CardKeys['directory']>>,
): void {
  const wanted = keyReference.toUpperCase();
  if ([...keys, ...certificates].some((one) => one.keyReference === wanted))
    throw new CardDataError(`${attempt}: ${wanted} is the name of something else`);
}

function labelRows({ label }: NextName): readonly Row[] {
  return label === undefined ? [] : [bytes(ck.CKA_LABEL, Buffer.from(label))];
}

/** One after the other; when one fails, those before it are as they were. */
async function perform({ keys, attempt, slot }: Work, renamings: readonly Renaming[]): Promise<void> {
  requirePin(keys, attempt, slot);
  const session = await keys.session.session(slot);
  const set = async (object: string, wanted: readonly Row[]): Promise<void> => {
    const { rows, blobs } = template(wanted);
    await keys.session.call(attempt, 'setAttributes', { session, object, template: rows }, { blobs });
  };
  keys.forget();
  const done: Renaming[] = [];
  try {
    for (const renaming of renamings) {
      await set(renaming.handle, renaming.next);
      done.unshift(renaming);
    }
  } catch (error) {
    for (const { handle, before } of done) await set(handle, before);
    throw error;
  }
}

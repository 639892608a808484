/** Pictures of an answer (results 37, 1, 6 and 103): pages in each light, portraits of page and chip, signature. */
import type { ImageKind } from '../../../api-spec/scan/report.ts';
import type { DriverImage } from '../driver.ts';
import type { PictureList } from '../picture-list.ts';
import { bytesOf, integerOf, objectsOf, under, type JsonObject } from '../vendor-json.ts';
import { PAGES, PORTRAIT, RESULT, SIGNATURE, lightOf } from './constants.ts';

const MAX_ROWS = 32;

/** What the service gives goes before what it was given; a page in a light of which it gives none stays as it was taken. */
export function readPictures(
  containersOf: (resultType: number) => readonly JsonObject[],
  given: readonly DriverImage[],
  pictures: PictureList,
): void {
  const fields = containersOf(RESULT.images).flatMap((container) => objectsOf(under(container, 'Images', 'fieldList'), MAX_ROWS));
  for (const field of fields)
    for (const value of objectsOf(field['valueList'], MAX_ROWS))
      addPicture(pictures, {
        type: field['fieldType'],
        isOfChip: value['source'] === 'RFID',
        page: value['pageIndex'],
        light: value['lightIndex'],
        bytes: bytesOf(value['value'] ?? value['originalValue']),
      });
  for (const container of containersOf(RESULT.documentImage)) {
    const page = pageOf(container['page_idx']);
    const light = lightOf(container['light']);
    if (!pictures.has((known) => known.kind === 'page' && known.light === light && known.page === page))
      pictures.add({
        id: `page-${page}-${light}`,
        kind: 'page',
        page,
        light,
        bytes: bytesOf(under(container, 'RawImageContainer', 'image')),
      });
  }
  if (!pictures.has(({ kind }) => kind === 'portrait' || kind === 'portraitChip')) addOldGraphics(containersOf, pictures);
  for (const picture of given)
    if (!pictures.has((known) => known.kind === picture.kind && known.light === picture.light && known.page === picture.page))
      pictures.add(picture);
}

function addOldGraphics(containersOf: (resultType: number) => readonly JsonObject[], pictures: PictureList): void {
  for (const resultType of [RESULT.visualGraphics, RESULT.rfidGraphics])
    for (const container of containersOf(resultType))
      for (const field of objectsOf(under(container, 'DocGraphicsInfo', 'pArrayFields'), MAX_ROWS))
        addPicture(pictures, {
          type: field['FieldType'],
          isOfChip: resultType === RESULT.rfidGraphics,
          page: container['page_idx'],
          light: container['light'],
          bytes: bytesOf(under(field, 'image', 'image')),
        });
}

interface FoundPicture {
  readonly type: unknown;
  readonly isOfChip: boolean;
  readonly page: unknown;
  readonly light: unknown;
  readonly bytes: Uint8Array | undefined;
}

function addPicture(pictures: PictureList, { type, isOfChip, page, light, bytes }: FoundPicture): void {
  const kind = kindOf(integerOf(type), isOfChip);
  const onPage = pageOf(page);
  const seenIn = isOfChip ? 'unknown' : lightOf(light);
  const name = { page: `page-${onPage}-${seenIn}`, portraitChip: 'portrait-chip' }[kind as string] ?? kind;
  pictures.add({ id: name, kind, page: onPage, light: seenIn, bytes });
}

function kindOf(type: number | undefined, isOfChip: boolean): ImageKind {
  if (type === PORTRAIT) return isOfChip ? 'portraitChip' : 'portrait';
  if (type === SIGNATURE) return 'signature';
  return type !== undefined && PAGES.has(type) ? 'page' : 'detail';
}

function pageOf(page: unknown): number {
  const number = integerOf(page);
  return number !== undefined && number >= 0 && number <= 99 ? number : 0;
}

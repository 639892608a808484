/** What a schema of the configuration allows, in words. */
import { notesOf, type Wording } from './option.ts';

/** The keywords that options use (JSON Schema 2020-12, Validation). */
interface Keywords {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly items?: Keywords;
  readonly properties?: Readonly<Record<string, Keywords>>;
}

export function allowedBy(schema: Keywords): Wording {
  const own = 'x-kortd' in schema ? notesOf(schema) : undefined;
  if (own?.allowed) return own.allowed;
  if (own?.isPath) return { en: 'an absolute path in quotation marks', sv: 'en absolut sökväg inom citattecken' };
  if (schema.enum) return oneOf(schema.enum);
  switch (schema.type) {
    case 'boolean':
      return { en: 'true or false', sv: 'true eller false' };
    case 'integer':
    case 'number':
      return numberWording(schema);
    case 'array':
      return listWording(schema);
    case 'object':
      return sectionWording(schema);
    case undefined:
    default:
      return textWording(schema);
  }
}

function oneOf(values: readonly unknown[]): Wording {
  const list = values.map((value) => JSON.stringify(value));
  return { en: `one of ${list.join(', ')}`, sv: `något av ${list.join(', ')}` };
}

function numberWording({ type, minimum, maximum }: Keywords): Wording {
  const [en, sv] = type === 'integer' ? ['a whole number', 'ett heltal'] : ['a number', 'ett tal'];
  const from = minimum === undefined ? { en: '', sv: '' } : { en: ` from ${minimum}`, sv: ` från ${minimum}` };
  const to = maximum === undefined ? { en: '', sv: '' } : { en: ` to ${maximum}`, sv: ` till ${maximum}` };
  return { en: `${en}${from.en}${to.en}`, sv: `${sv}${from.sv}${to.sv}` };
}

function textWording({ minLength = 0, maxLength }: Keywords): Wording {
  if (maxLength === undefined) return { en: 'a text in quotation marks', sv: 'en text inom citattecken' };
  return {
    en: `a text of ${minLength} to ${maxLength} characters in quotation marks`,
    sv: `en text med ${minLength} till ${maxLength} tecken inom citattecken`,
  };
}

function listWording({ items = {}, maxItems }: Keywords): Wording {
  const { en, sv } = allowedBy(items);
  const most = maxItems === undefined ? { en: '', sv: '' } : { en: ` of at most ${maxItems}`, sv: ` med högst ${maxItems}` };
  return { en: `a list [ … ]${most.en}, each ${en}`, sv: `en lista [ … ]${most.sv}, var och en ${sv}` };
}

function sectionWording({ properties = {} }: Keywords): Wording {
  const names = Object.keys(properties).join(', ');
  return { en: `an object { … } with any of ${names}`, sv: `ett objekt { … } med något av ${names}` };
}

/** JSON (RFC 8259) of plain data that holds bytes and sets too: each stands as an object with one member, whose name no plain data here has. */

const BYTES = '$bytes';
const SET = '$set';

export function encodeTaggedJson(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key: string, converted: unknown): unknown {
    const own = this[key]; // before toJSON, which some kinds of byte arrays have
    if (own instanceof Uint8Array) return { [BYTES]: Buffer.from(own).toString('base64') };
    return own instanceof Set ? { [SET]: [...own] } : converted;
  });
}

/** Throws SyntaxError or RangeError for what was not encoded so. */
export function decodeTaggedJson(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    const tagged = taggedOf(value);
    if (tagged?.tag === BYTES && typeof tagged.content === 'string') return decodeBase64(tagged.content);
    return tagged?.tag === SET && Array.isArray(tagged.content) ? new Set(tagged.content) : value;
  });
}

function taggedOf(value: unknown): { readonly tag: string; readonly content: unknown } | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const [first, ...others] = Object.entries(value);
  return first && others.length === 0 ? { tag: first[0], content: first[1] as unknown } : undefined;
}

function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new RangeError('decoding bytes: no base64');
  return new Uint8Array(bytes);
}

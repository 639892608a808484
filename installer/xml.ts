/** XML documents as values, written out by a library: attributes in the order given, two spaces a level. */
import { DOMImplementation, XMLSerializer, type Document, type Element } from '@xmldom/xmldom';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly children: readonly (XmlElement | string)[];
}

export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>> = {},
  children: readonly (XmlElement | string)[] = [],
): XmlElement {
  return { name, attributes, children };
}

/** The whole document, with its first line. `namespace` is the default one of all elements. */
export function xmlDocument(root: XmlElement, namespace: string | null = null): string {
  const document = new DOMImplementation().createDocument(namespace, '');
  document.appendChild(build(root, { document, namespace, depth: 0 }));
  return `<?xml version="1.0" encoding="utf-8"?>\n${new XMLSerializer().serializeToString(document)}\n`;
}

interface Place {
  readonly document: Document;
  readonly namespace: string | null;
  readonly depth: number;
}

function build({ name, attributes, children }: XmlElement, place: Place): Element {
  const { document, namespace, depth } = place;
  const built = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) built.setAttribute(key, String(value));
  for (const child of children) {
    if (typeof child === 'string') {
      built.appendChild(document.createTextNode(child));
      continue;
    }
    built.appendChild(document.createTextNode(`\n${'  '.repeat(depth + 1)}`));
    built.appendChild(build(child, { ...place, depth: depth + 1 }));
  }
  if (children.some((child) => typeof child !== 'string')) built.appendChild(document.createTextNode(`\n${'  '.repeat(depth)}`));
  return built;
}

/**
 * ASiCManifest.xml (ETSI EN 319 162-1, annex A.4): which files a container has, and the SHA-256 of each. What is sealed is this file. XML by xmldom; one file a
 * line, so that a shell script can read it too.
 */
import { createHash } from 'node:crypto';
import { DOMImplementation, DOMParser, XMLSerializer, type Document, type Element } from '@xmldom/xmldom';
import type { ZipEntry } from './zip.ts';

/** ETSI EN 319 162-1, annex A.1; XML Signature, section 4.4. */
const NS_ASIC = 'http://uri.etsi.org/02918/v1.2.1#';
const NS_XMLDSIG = 'http://www.w3.org/2000/09/xmldsig#';
/** Namespaces in XML 1.0, section 3. */
const NS_XMLNS = 'http://www.w3.org/2000/xmlns/';
/** XML Encryption, section 5.8.2. */
const SHA256 = 'http://www.w3.org/2001/04/xmlenc#sha256';
const SIGNATURE_TYPE = 'application/pkcs7-signature';
/** A thousand files with names of the greatest length. */
const MAX_BYTES = 2 * 1024 * 1024;

export interface ManifestFile {
  readonly name: string;
  /** Base64. */
  readonly digest: string;
}

export interface Manifest {
  readonly signature: string;
  readonly files: readonly ManifestFile[];
}

export interface ListedFile extends ZipEntry {
  readonly mediaType: string;
  /** The one to open first. */
  readonly isRoot?: boolean;
}

export function digestOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('base64');
}

/** `signature`: where the seal is. */
export function encodeManifest(signature: string, files: readonly ListedFile[]): Uint8Array {
  const document = new DOMImplementation().createDocument(NS_ASIC, 'asic:ASiCManifest', null);
  const root = document.documentElement;
  if (!root) throw new Error('making a manifest: the library made no root');
  root.setAttributeNS(NS_XMLNS, 'xmlns:ds', NS_XMLDSIG);
  const add = (element: Element): void => {
    root.appendChild(document.createTextNode('\n'));
    root.appendChild(element);
  };
  add(elementOf(document, 'asic:SigReference', { URI: signature, MimeType: SIGNATURE_TYPE }));
  for (const { name, content, mediaType, isRoot } of files) {
    const reference = elementOf(document, 'asic:DataObjectReference', {
      ...{ URI: name, MimeType: mediaType },
      ...(isRoot ? { Rootfile: 'true' } : {}),
    });
    const value = document.createElementNS(NS_XMLDSIG, 'ds:DigestValue');
    value.appendChild(document.createTextNode(digestOf(content)));
    const method = document.createElementNS(NS_XMLDSIG, 'ds:DigestMethod');
    method.setAttribute('Algorithm', SHA256);
    reference.appendChild(method);
    reference.appendChild(value);
    add(reference);
  }
  root.appendChild(document.createTextNode('\n'));
  const text = new XMLSerializer().serializeToString(document);
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${text}\n`);
}

function elementOf(document: Document, name: string, attributes: Readonly<Record<string, string>>): Element {
  const element = document.createElementNS(NS_ASIC, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Throws with what is wrong. */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  if (text.includes('<!')) throw new Error('it has a document type or a comment');
  const fail = (_level: string, problem: string): never => {
    throw new Error(problem);
  };
  const document = new DOMParser({ onError: fail }).parseFromString(text, 'application/xml');
  const root = document.documentElement;
  if (root?.namespaceURI !== NS_ASIC || root.localName !== 'ASiCManifest') throw new Error('it is no ASiCManifest');
  const [reference, ...objects] = childrenOf(root);
  if (reference?.localName !== 'SigReference') throw new Error('it names no signature');
  return { signature: attributeOf(reference, 'URI'), files: objects.map(readFile) };
}

function readFile(element: Element): ManifestFile {
  const [method, value, ...others] = childrenOf(element);
  if (element.localName !== 'DataObjectReference' || others.length > 0)
    throw new Error(`${element.localName ?? 'something'} has no place in it`);
  if (method?.localName !== 'DigestMethod' || attributeOf(method, 'Algorithm') !== SHA256)
    throw new Error('a digest is not by SHA-256');
  if (value?.localName !== 'DigestValue') throw new Error('a digest is missing');
  return { name: attributeOf(element, 'URI'), digest: value.textContent ?? '' };
}

function childrenOf(element: Element): readonly Element[] {
  return Array.from(element.childNodes).filter((node): node is Element => node.nodeType === node.ELEMENT_NODE);
}

function attributeOf(element: Element, name: string): string {
  const value = element.getAttribute(name);
  if (value === null) throw new Error(`${element.localName ?? 'an element'} has no ${name}`);
  return value;
}

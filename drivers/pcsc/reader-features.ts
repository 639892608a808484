/**
 * What a reader says that it can do, and which it is: PC/SC part 10, features and TLV properties; `reader-identity.ts`. Asked once for as long
 * as the reader stays, because the questions cost calls and the answers do not change.
 */
import { SCARD_LEAVE_CARD, SCARD_PROTOCOL_UNDEFINED, SCARD_SHARE_DIRECT } from './constants.ts';
import {
  CM_IOCTL_GET_FEATURE_REQUEST,
  FEATURE_GET_TLV_PROPERTIES,
  FEATURE_MODIFY_PIN_DIRECT,
  FEATURE_VERIFY_PIN_DIRECT,
  PROPERTY_MAX_APDU_DATA_SIZE,
  parseFeatureList,
  parseTlvProperties,
} from './pin-structures.ts';
import type { ReaderContexts } from './reader-contexts.ts';
import { readReaderIdentity, type ReaderIdentity } from './reader-identity.ts';
import {
  SCARD_E_INVALID_PARAMETER,
  SCARD_E_NOT_TRANSACTED,
  SCARD_E_UNEXPECTED,
  SCARD_E_UNSUPPORTED_FEATURE,
  meansServiceGone,
} from './result-code.ts';
import type { CardHandle, WinScard } from './winscard.ts';

export interface ReaderFeatures {
  /** Control codes, as the reader gives them. */
  readonly verifyPinDirect?: number;
  readonly modifyPinDirect?: number;
  /** dwMaxAPDUDataSize: 0 for short APDUs only, 0x10000 for any extended one. */
  readonly maxApduDataSize?: number;
}

export interface FeatureCache {
  /** What is known already. */
  known(reader: string): ReaderFeatures | undefined;
  /** Undefined while it has not been read. */
  knownIdentity(reader: string): ReaderIdentity | undefined;
  /** Asks over an open handle unless it is known. A reader that does not answer now is asked again next time. */
  ask(reader: string, card: CardHandle): Promise<ReaderFeatures>;
  /** Asks over a handle of its own, without a card. Undefined when the reader cannot be asked now. */
  probe(reader: string, signal: AbortSignal): Promise<ReaderFeatures | undefined>;
  forget(reader: string): void;
}

/** Results that say "no such control code"; anything else may pass. */
const NOT_SUPPORTED: ReadonlySet<number> = new Set([
  SCARD_E_UNEXPECTED,
  SCARD_E_UNSUPPORTED_FEATURE,
  SCARD_E_INVALID_PARAMETER,
  SCARD_E_NOT_TRANSACTED,
]);
const NO_FEATURES: ReaderFeatures = {};

/** `usbFolder`: as for `readReaderIdentity`. */
export function createFeatureCache(winscard: WinScard, contexts: ReaderContexts, usbFolder?: string): FeatureCache {
  const cache = new Map<string, ReaderFeatures>();
  const identities = new Map<string, ReaderIdentity>();
  const ask = async (reader: string, card: CardHandle): Promise<ReaderFeatures> => {
    const known = cache.get(reader);
    if (known) return known;
    const features = await queryFeatures(winscard, card);
    if (features) cache.set(reader, features);
    return features ?? NO_FEATURES;
  };
  let forgotten = 0;
  const askIdentity = async (reader: string, card: CardHandle): Promise<void> => {
    if (identities.has(reader)) return;
    const before = forgotten;
    const identity = await readReaderIdentity(winscard, card, { name: reader, usbFolder });
    // What was read of a reader that went meanwhile is not said of the next one with its name.
    if (identity && forgotten === before) identities.set(reader, identity);
  };
  return {
    ask,
    known: (reader) => cache.get(reader),
    knownIdentity: (reader) => identities.get(reader),
    forget(reader) {
      forgotten++;
      cache.delete(reader);
      identities.delete(reader);
    },
    async probe(reader, signal) {
      if (cache.has(reader) && identities.has(reader)) return cache.get(reader);
      await using lease = await contexts.acquire(reader, signal);
      const options = { shareMode: SCARD_SHARE_DIRECT, protocols: SCARD_PROTOCOL_UNDEFINED };
      const { result, card } = await winscard.connect(lease.context, reader, options);
      if (result !== 0) {
        if (meansServiceGone(result)) lease.discard();
        return undefined;
      }
      try {
        await ask(reader, card);
        await askIdentity(reader, card);
      } finally {
        if ((await winscard.disconnect(card, SCARD_LEAVE_CARD)) !== 0) lease.discard();
      }
      return cache.get(reader);
    },
  };
}

/** Undefined when the reader cannot be asked now. */
async function queryFeatures(winscard: WinScard, card: CardHandle): Promise<ReaderFeatures | undefined> {
  const request = winscard.platform.controlCode(CM_IOCTL_GET_FEATURE_REQUEST);
  const { result, output } = await winscard.control(card, request, new Uint8Array());
  if (result !== 0) return NOT_SUPPORTED.has(result) ? NO_FEATURES : undefined;
  const features = parseFeatureList(output);
  const verifyPinDirect = features.get(FEATURE_VERIFY_PIN_DIRECT);
  const modifyPinDirect = features.get(FEATURE_MODIFY_PIN_DIRECT);
  const maxApduDataSize = await queryMaxApduDataSize(winscard, card, features.get(FEATURE_GET_TLV_PROPERTIES));
  return {
    ...(verifyPinDirect === undefined ? {} : { verifyPinDirect }),
    ...(modifyPinDirect === undefined ? {} : { modifyPinDirect }),
    ...(maxApduDataSize === undefined ? {} : { maxApduDataSize }),
  };
}

async function queryMaxApduDataSize(winscard: WinScard, card: CardHandle, code: number | undefined): Promise<number | undefined> {
  if (code === undefined) return undefined;
  const { result, output } = await winscard.control(card, code, new Uint8Array());
  return result === 0 ? parseTlvProperties(output).get(PROPERTY_MAX_APDU_DATA_SIZE) : undefined;
}

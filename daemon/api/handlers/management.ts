/** The right to change a card, by its management key or by a PIN; and whether a certificate is that of a key on the card. */
import { createHash, randomBytes, verify, type X509Certificate } from 'node:crypto';
import { equalBytes } from '../../../apdu/bytes.ts';
import { KeyNotFoundError, PinFormatError } from '../../../apdu/errors.ts';
import { keyAlgorithmOf } from '../../../apdu/public-key.ts';
import { Secret } from '../../../apdu/secret.ts';
import type { ManagementKey, PinReference, Token, TokenKey, TokenManagement } from '../../../apdu/token.ts';
import { managementOf, type CardSession } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import { verifyForUse } from '../../pin/entry.ts';
import { preferredAlgorithm } from '../../signing/certificate-request.ts';
import { verifyOptions } from '../../signing/verify-options.ts';
import type { Call } from '../call.ts';
import { keyOf, pinCaller, verifyFor, type CardParams, type HandlerContext } from './context.ts';

/** One call that changes what is on a card, in its transaction. */
export interface CardChange {
  readonly context: HandlerContext;
  readonly session: CardSession;
  readonly token: Token;
  readonly management: TokenManagement;
  readonly params: CardParams & { readonly keyReference: string };
  readonly call: Call;
  /** What of the key is changed. */
  readonly what: 'key' | 'certificate';
  /** The PIN that gives the right; undefined on cards where none does. */
  readonly pin: PinReference | undefined;
}

/** `token`: the application stands selected, and is not selected again. */
type Begun = Omit<CardChange, 'management' | 'pin' | 'token'> & { readonly token?: Token };

/** Finds out what the card wants first. Nothing is sent that changes it. Throws management_key_required, KeyNotFoundError. */
export async function beginChange(begun: Begun): Promise<CardChange> {
  const { session, params, call, what } = begun;
  const token = begun.token ?? (await session.token());
  const management = managementOf(token);
  if (management.managementKey && !call.secret('managementKey'))
    throw new ApiError('management_key_required', `calling ${call.method}: the card wants its management key`);
  const named = await management.pinFor?.(params.keyReference, what);
  const pin = named === undefined ? undefined : (params.pinReference?.toUpperCase() ?? named);
  return { ...begun, token, management, pin };
}

/** Gets the right to change the card. `verified` is the PIN that this very call verified before: it is not asked for twice. */
export async function authorize(change: CardChange, verified?: PinReference): Promise<TokenManagement> {
  const { context, session, token, management, params, call, pin } = change;
  const { managementKey } = management;
  if (managementKey) {
    using key = parseManagementKey(managementKey, call.requireSecret('managementKey'));
    await managementKey.authenticate(key);
  }
  // A signature may have taken the verification away again.
  const isVerified = pin !== undefined && pin === verified && (await token.pin(pin)).verified;
  if (pin !== undefined && !isVerified)
    await verifyForUse(session, token, pinCaller(context, session, params, call), { reference: pin, isReusable: false });
  session.forget();
  return management;
}

function parseManagementKey(managementKey: ManagementKey, given: Secret): Secret {
  using word = Secret.fromText('default');
  if (given.equals(word)) return managementKey.factoryKey();
  return given.use((text) => {
    const bytes = new Uint8Array(text.length / 2);
    for (const index of bytes.keys()) {
      const digit = (offset: number): number => Number.parseInt(String.fromCharCode(text[index * 2 + offset] ?? 0), 16);
      bytes[index] = digit(0) * 16 + digit(1);
      if (Number.isNaN(digit(0)) || Number.isNaN(digit(1))) throw managementKeyFormat();
    }
    if (text.length % 2 !== 0 || ![16, 24, 32].includes(bytes.length)) throw managementKeyFormat();
    return Secret.take(bytes);
  });
}

function managementKeyFormat(): PinFormatError {
  return new PinFormatError(
    'reading the management key: it must be 32, 48 or 64 hexadecimal digits, or "default"; nothing was sent to the card',
  );
}

/**
 * Throws certificate_key_mismatch, or key_unproven when nothing shows that the certificate's key is the card's. Nothing was written then. Resolves with the
 * PIN that was verified for a proof, if one was.
 */
export async function requireFittingKey(change: CardChange, certificate: X509Certificate): Promise<PinReference | undefined> {
  const { session, token, params } = change;
  const keyReference = params.keyReference.toUpperCase();
  const told = await token.key(keyReference);
  const publicKey = knownPublicKey(told?.publicKey, session.card.generated.get(keyReference)?.publicKey);
  if (publicKey) {
    if (!equalBytes(publicKey, certificate.publicKey.export({ type: 'spki', format: 'der' }))) throw mismatch(keyReference);
    return undefined;
  }
  const algorithm = keyAlgorithmOf(certificate.publicKey);
  if (!algorithm) throw mismatch(keyReference); // of a kind that no card has
  const key = { ...(told ?? (await keyOf(session, token, keyReference))), algorithm };
  if (told?.algorithm !== undefined && told.algorithm !== algorithm) throw mismatch(keyReference);
  requireProvable(change, key);
  await proveKey(change, key, certificate);
  return key.pinPolicy === 'never' ? undefined : key.pin;
}

/** A card's copy of its public key may be older than the key, and what was made in this insertion may have been made anew by another program: then neither counts. */
function knownPublicKey(told: Uint8Array | undefined, generated: Uint8Array | undefined): Uint8Array | undefined {
  if (!told || !generated) return told ?? generated;
  return equalBytes(told, generated) ? told : undefined;
}

/** One PIN is given in a call, or asked for: it is sent to no other PIN than the one that it is meant for. */
function requireProvable({ context, session, params, call, pin }: CardChange, key: TokenKey): void {
  if (key.pinPolicy === 'never') return;
  const given = call.secret('pin') !== undefined;
  const canEnter = given || session.hasKeypad || context.prompts.placesOf(call.caller.user).length > 0;
  const isOne = pin === undefined || pin === key.pin || (session.hasKeypad && !given);
  if (!canEnter || !isOne)
    throw new ApiError('key_unproven', `writing a certificate to ${params.keyReference}: the card does not tell its public key`);
}

async function proveKey(
  { context, session, token, params, call }: CardChange,
  key: TokenKey & { readonly algorithm: NonNullable<TokenKey['algorithm']> },
  certificate: X509Certificate,
): Promise<void> {
  await verifyFor(context, session, token, key, params, call);
  const message = randomBytes(32);
  const signatureAlgorithm = preferredAlgorithm(key.algorithm, key.signatureAlgorithms);
  const { hash, ...options } = verifyOptions(signatureAlgorithm, certificate.publicKey);
  const signature = await signOrNothing(token, key, signatureAlgorithm, createHash(hash).update(message).digest());
  if (!signature || !verify(hash, message, options, signature)) throw mismatch(key.keyReference);
}

function mismatch(keyReference: string): ApiError {
  return new ApiError('certificate_key_mismatch', `writing a certificate to ${keyReference}: it certifies another key`);
}

/** A key of another kind cannot sign this way: nothing. */
async function signOrNothing(
  token: Token,
  ...[key, algorithm, digest]: Parameters<Token['sign']>
): Promise<Uint8Array | undefined> {
  try {
    return await token.sign(key, algorithm, digest);
  } catch (error) {
    if (error instanceof KeyNotFoundError) return undefined;
    throw error;
  }
}

/** The right to change a card, by its management key or by a PIN; and whether a certificate is that of a key on the card. */
import type { X509Certificate } from 'node:crypto';
import { Secret } from '../../../apdu/secret.ts';
import type { ManagementKey, PinReference, Token, TokenKey, TokenManagement } from '../../../apdu/token.ts';
import { managementOf, type CardSession } from '../../desk/card-session.ts';
import { ApiError } from '../../errors.ts';
import { keyToProve, proveKey } from '../../management/certificate-fit.ts';
import { parseManagementKey } from '../../management/management-key.ts';
import { verifyForUse } from '../../pin/entry.ts';
import type { Call } from '../call.ts';
import { pinCaller, verifyFor, type CardParams, type HandlerContext } from './context.ts';

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
    using key = managementKeyOf(managementKey, call.requireSecret('managementKey'));
    await managementKey.authenticate(key);
  }
  // A signature may have taken the verification away again.
  const isVerified = pin !== undefined && pin === verified && (await token.pin(pin)).verified;
  if (pin !== undefined && !isVerified)
    await verifyForUse(session, token, pinCaller(context, session, params, call), { reference: pin, isReusable: false });
  session.forget();
  return management;
}

function managementKeyOf(managementKey: ManagementKey, given: Secret): Secret {
  using word = Secret.fromText('default');
  return given.equals(word) ? managementKey.factoryKey() : parseManagementKey(given);
}

/**
 * Throws certificate_key_mismatch, or key_unproven when nothing shows that the certificate's key is the card's. Nothing was written then. Resolves with the
 * PIN that was verified for a proof, if one was.
 */
export async function requireFittingKey(change: CardChange, certificate: X509Certificate): Promise<PinReference | undefined> {
  const { context, session, token, params, call } = change;
  const key = await keyToProve(session, token, params.keyReference, certificate);
  if (!key) return undefined;
  requireProvable(change, key);
  await verifyFor(context, session, token, key, params, call);
  await proveKey(token, key, certificate);
  return key.pinPolicy === 'never' ? undefined : key.pin;
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

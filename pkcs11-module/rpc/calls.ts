/**
 * Every call of p11-kit's RPC protocol with its signatures, as data (p11-kit/rpc.h, p11_rpc_calls, 0.26.4). A client of dialect 0 knows those up to 65, one of
 * dialect 1 those up to 88.
 */

/** 0: p11-kit up to 0.24; 1: 0.25.0 to 0.25.5; 2: from 0.25.6 on. The first byte that the client sends. */
export type Dialect = 0 | 1 | 2;

/** The highest version that is spoken; the answer to a client's is the lower one of both. */
export const HIGHEST_VERSION = 2;

export function dialectOf(version: number): Dialect {
  return version === 0 ? 0 : version === 1 ? 1 : 2;
}

/** What every client begins with in C_Initialize (p11-kit/rpc.h, P11_RPC_HANDSHAKE). */
export const HANDSHAKE = 'PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1';

interface CallRow {
  readonly id: number;
  /** What the arguments are, in their order; arguments.ts reads them. */
  readonly request: string;
  readonly reply: string;
}

const SIZED = { request: 'uayfy', reply: 'ay' } as const;
const LAST = { request: 'ufy', reply: 'ay' } as const;
const PART = { request: 'uay', reply: '' } as const;
const INIT = { request: 'uMu', reply: '' } as const;

/** In the order of their ids. */
export const CALLS = {
  C_Initialize: { id: 1, request: 'ayyay', reply: '' },
  C_Finalize: { id: 2, request: '', reply: '' },
  C_GetInfo: { id: 3, request: '', reply: 'vsusv' },
  C_GetSlotList: { id: 4, request: 'yfu', reply: 'au' },
  C_GetSlotInfo: { id: 5, request: 'u', reply: 'ssuvv' },
  C_GetTokenInfo: { id: 6, request: 'u', reply: 'ssssuuuuuuuuuuuvvs' },
  C_GetMechanismList: { id: 7, request: 'ufu', reply: 'au' },
  C_GetMechanismInfo: { id: 8, request: 'uu', reply: 'uuu' },
  C_InitToken: { id: 9, request: 'uayz', reply: '' },
  C_OpenSession: { id: 10, request: 'uu', reply: 'u' },
  C_CloseSession: { id: 11, request: 'u', reply: '' },
  C_CloseAllSessions: { id: 12, request: 'u', reply: '' },
  C_GetSessionInfo: { id: 13, request: 'u', reply: 'uuuu' },
  C_InitPIN: { id: 14, request: 'uay', reply: '' },
  C_SetPIN: { id: 15, request: 'uayay', reply: '' },
  C_GetOperationState: { id: 16, ...LAST },
  C_SetOperationState: { id: 17, request: 'uayuu', reply: '' },
  C_Login: { id: 18, request: 'uuay', reply: '' },
  C_Logout: { id: 19, request: 'u', reply: '' },
  C_CreateObject: { id: 20, request: 'uaA', reply: 'u' },
  C_CopyObject: { id: 21, request: 'uuaA', reply: 'u' },
  C_DestroyObject: { id: 22, request: 'uu', reply: '' },
  C_GetObjectSize: { id: 23, request: 'uu', reply: 'u' },
  C_GetAttributeValue: { id: 24, request: 'uufA', reply: 'aAu' },
  C_SetAttributeValue: { id: 25, request: 'uuaA', reply: '' },
  C_FindObjectsInit: { id: 26, request: 'uaA', reply: '' },
  C_FindObjects: { id: 27, request: 'ufu', reply: 'au' },
  C_FindObjectsFinal: { id: 28, request: 'u', reply: '' },
  C_EncryptInit: { id: 29, ...INIT },
  C_Encrypt: { id: 30, ...SIZED },
  C_EncryptUpdate: { id: 31, ...SIZED },
  C_EncryptFinal: { id: 32, ...LAST },
  C_DecryptInit: { id: 33, ...INIT },
  C_Decrypt: { id: 34, ...SIZED },
  C_DecryptUpdate: { id: 35, ...SIZED },
  C_DecryptFinal: { id: 36, ...LAST },
  C_DigestInit: { id: 37, request: 'uM', reply: '' },
  C_Digest: { id: 38, ...SIZED },
  C_DigestUpdate: { id: 39, ...PART },
  C_DigestKey: { id: 40, request: 'uu', reply: '' },
  C_DigestFinal: { id: 41, ...LAST },
  C_SignInit: { id: 42, ...INIT },
  C_Sign: { id: 43, ...SIZED },
  C_SignUpdate: { id: 44, ...PART },
  C_SignFinal: { id: 45, ...LAST },
  C_SignRecoverInit: { id: 46, ...INIT },
  C_SignRecover: { id: 47, ...SIZED },
  C_VerifyInit: { id: 48, ...INIT },
  C_Verify: { id: 49, request: 'uayay', reply: '' },
  C_VerifyUpdate: { id: 50, ...PART },
  C_VerifyFinal: { id: 51, ...PART },
  C_VerifyRecoverInit: { id: 52, ...INIT },
  C_VerifyRecover: { id: 53, ...SIZED },
  C_DigestEncryptUpdate: { id: 54, ...SIZED },
  C_DecryptDigestUpdate: { id: 55, ...SIZED },
  C_SignEncryptUpdate: { id: 56, ...SIZED },
  C_DecryptVerifyUpdate: { id: 57, ...SIZED },
  C_GenerateKey: { id: 58, request: 'uMaA', reply: 'u' },
  C_GenerateKeyPair: { id: 59, request: 'uMaAaA', reply: 'uu' },
  C_WrapKey: { id: 60, request: 'uMuufy', reply: 'ay' },
  C_UnwrapKey: { id: 61, request: 'uMuayaA', reply: 'u' },
  C_DeriveKey: { id: 62, request: 'uMuaA', reply: 'u' },
  C_SeedRandom: { id: 63, ...PART },
  C_GenerateRandom: { id: 64, ...LAST },
  C_WaitForSlotEvent: { id: 65, request: 'u', reply: 'u' },
  C_LoginUser: { id: 66, request: 'uuayay', reply: '' },
  C_SessionCancel: { id: 67, request: 'uu', reply: '' },
  C_MessageEncryptInit: { id: 68, ...INIT },
  C_EncryptMessage: { id: 69, request: 'uayayayfy', reply: 'ay' },
  C_EncryptMessageBegin: { id: 70, request: 'uayay', reply: '' },
  C_EncryptMessageNext: { id: 71, request: 'uayayfyu', reply: 'ay' },
  C_MessageEncryptFinal: { id: 72, request: 'u', reply: '' },
  C_MessageDecryptInit: { id: 73, ...INIT },
  C_DecryptMessage: { id: 74, request: 'uayayayfy', reply: 'ay' },
  C_DecryptMessageBegin: { id: 75, request: 'uayay', reply: '' },
  C_DecryptMessageNext: { id: 76, request: 'uayayfyu', reply: 'ay' },
  C_MessageDecryptFinal: { id: 77, request: 'u', reply: '' },
  C_MessageSignInit: { id: 78, ...INIT },
  C_SignMessage: { id: 79, request: 'uayayfy', reply: 'ay' },
  C_SignMessageBegin: { id: 80, ...PART },
  C_SignMessageNext: { id: 81, request: 'uayayyfy', reply: 'ay' },
  C_MessageSignFinal: { id: 82, request: 'u', reply: '' },
  C_MessageVerifyInit: { id: 83, ...INIT },
  C_VerifyMessage: { id: 84, request: 'uayayay', reply: '' },
  C_VerifyMessageBegin: { id: 85, ...PART },
  C_VerifyMessageNext: { id: 86, request: 'uayayay', reply: '' },
  C_MessageVerifyFinal: { id: 87, request: 'u', reply: '' },
  C_InitToken2: { id: 88, request: 'uays', reply: '' },
  C_DeriveKey2: { id: 89, request: 'uMuaA', reply: 'uPu' },
} as const satisfies Record<string, CallRow>;

export type CallName = keyof typeof CALLS;
export const CALL_NAMES = Object.keys(CALLS) as CallName[];

/** Calls whose messages are wiped when they have been read: PINs are in them. */
export const HAVE_SECRETS: ReadonlySet<CallName> = new Set([
  'C_InitPIN',
  'C_InitToken',
  'C_InitToken2',
  'C_Login',
  'C_LoginUser',
  'C_SetPIN',
]);

const BY_ID = new Map<number, CallName>(CALL_NAMES.map((name) => [CALLS[name].id, name]));
const LAST_ID: Readonly<Record<Dialect, number>> = { 0: 65, 1: 88, 2: 89 };

/** Undefined for one that clients of this dialect do not have. */
export function callOf(id: number, dialect: Dialect): CallName | undefined {
  return id <= LAST_ID[dialect] ? BY_ID.get(id) : undefined;
}

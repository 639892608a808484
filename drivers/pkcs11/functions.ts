/** The functions of PKCS #11, as data: which of them kortd calls, and with what. */

/**
 * In the order of CK_FUNCTION_LIST (PKCS #11 v2.40, pkcs11f.h), with the parameters of those that are called: U a CK_ULONG, handle or flags, P a pointer, B a
 * CK_BBOOL. The rest are there for their place.
 */
export const FUNCTIONS = [
  ['C_Initialize', 'P'],
  ['C_Finalize', 'P'],
  ['C_GetInfo', 'P'],
  ['C_GetFunctionList', 'P'],
  ['C_GetSlotList', 'BPP'],
  ['C_GetSlotInfo', 'UP'],
  ['C_GetTokenInfo', 'UP'],
  ['C_GetMechanismList', 'UPP'],
  ['C_GetMechanismInfo', 'UUP'],
  ['C_InitToken', ''],
  ['C_InitPIN', 'UPU'],
  ['C_SetPIN', 'UPUPU'],
  ['C_OpenSession', 'UUPPP'],
  ['C_CloseSession', 'U'],
  ['C_CloseAllSessions', ''],
  ['C_GetSessionInfo', ''],
  ['C_GetOperationState', ''],
  ['C_SetOperationState', ''],
  ['C_Login', 'UUPU'],
  ['C_Logout', 'U'],
  ['C_CreateObject', 'UPUP'],
  ['C_CopyObject', ''],
  ['C_DestroyObject', 'UU'],
  ['C_GetObjectSize', ''],
  ['C_GetAttributeValue', 'UUPU'],
  ['C_SetAttributeValue', 'UUPU'],
  ['C_FindObjectsInit', 'UPU'],
  ['C_FindObjects', 'UPUP'],
  ['C_FindObjectsFinal', 'U'],
  ...Array.from({ length: 4 }, () => ['', ''] as const), // C_EncryptInit to C_EncryptFinal
  ['C_DecryptInit', 'UPU'],
  ['C_Decrypt', 'UPUPP'],
  ...Array.from({ length: 7 }, () => ['', ''] as const), // C_DecryptUpdate to C_DigestFinal
  ['C_SignInit', 'UPU'],
  ['C_Sign', 'UPUPP'],
  ...Array.from({ length: 15 }, () => ['', ''] as const), // C_SignUpdate to C_GenerateKey
  ['C_GenerateKeyPair', 'UPPUPUPP'],
  ...Array.from({ length: 7 }, () => ['', ''] as const), // C_WrapKey to C_CancelFunction
  ['C_WaitForSlotEvent', 'UPP'],
] as const;

export type CryptokiFunctionName = Extract<(typeof FUNCTIONS)[number][0], `C_${string}`>;

/** Those that have parameters here. */
export const CALLED_FUNCTIONS: readonly CryptokiFunctionName[] = FUNCTIONS.flatMap(([name, signature]) =>
  signature === '' ? [] : [name],
);

/** What kortd asks a module's process for: each is some calls of the above. Sorted by name. */
export const OPERATIONS = [
  'close',
  'create',
  'decrypt',
  'destroy',
  'event',
  'find',
  'generate',
  'initPin',
  'login',
  'logout',
  'mechanisms',
  'open',
  'setAttributes',
  'setPin',
  'sign',
  'slots',
  'start',
  'token',
] as const;

/** Status words SW1 SW2 and what they mean (ISO/IEC 7816-4:2020, section 5.6, tables 5 to 7). */

export const SW_SUCCESS = 0x9000;
export const SW_END_OF_FILE = 0x6282;
export const SW_WARNING_NV_CHANGED = 0x6300;
export const SW_MEMORY_FAILURE = 0x6581;
export const SW_WRONG_LENGTH = 0x6700;
export const SW_LOGICAL_CHANNEL_NOT_SUPPORTED = 0x6881;
export const SW_SECURE_MESSAGING_NOT_SUPPORTED = 0x6882;
export const SW_LAST_COMMAND_OF_CHAIN_EXPECTED = 0x6883;
export const SW_COMMAND_CHAINING_NOT_SUPPORTED = 0x6884;
export const SW_COMMAND_NOT_ALLOWED = 0x6900;
export const SW_SECURITY_STATUS_NOT_SATISFIED = 0x6982;
export const SW_AUTHENTICATION_METHOD_BLOCKED = 0x6983;
export const SW_REFERENCE_DATA_NOT_USABLE = 0x6984;
export const SW_CONDITIONS_OF_USE_NOT_SATISFIED = 0x6985;
export const SW_NO_CURRENT_EF = 0x6986;
export const SW_WRONG_DATA = 0x6a80;
export const SW_FUNCTION_NOT_SUPPORTED = 0x6a81;
export const SW_FILE_NOT_FOUND = 0x6a82;
export const SW_RECORD_NOT_FOUND = 0x6a83;
export const SW_NOT_ENOUGH_MEMORY = 0x6a84;
export const SW_INCORRECT_P1_P2 = 0x6a86;
export const SW_REFERENCED_DATA_NOT_FOUND = 0x6a88;
export const SW_WRONG_P1_P2 = 0x6b00;
export const SW_INS_NOT_SUPPORTED = 0x6d00;
export const SW_CLA_NOT_SUPPORTED = 0x6e00;
export const SW_UNKNOWN = 0x6f00;

/** SW1 of `61XX`: XX bytes wait for GET RESPONSE, 00 for 256 or more. */
export const SW1_BYTES_AVAILABLE = 0x61;
/** SW1 of `6CXX`: wrong Le, XX is right. */
export const SW1_WRONG_LE = 0x6c;

const MEANINGS: ReadonlyMap<number, string> = new Map([
  [SW_SUCCESS, 'success'],
  [0x6200, 'warning, memory unchanged'],
  [0x6281, 'returned data may be corrupted'],
  [SW_END_OF_FILE, 'end of file before Le bytes'],
  [0x6283, 'selected file deactivated'],
  [0x6284, 'file control information badly formatted'],
  [0x6285, 'selected file in termination state'],
  [0x6286, 'no input data from a sensor'],
  [SW_WARNING_NV_CHANGED, 'warning, memory changed or verification failed'],
  [0x6381, 'file filled up by the last write'],
  [0x6400, 'execution error, memory unchanged'],
  [0x6401, 'immediate response required'],
  [0x6500, 'execution error, memory changed'],
  [SW_MEMORY_FAILURE, 'memory failure'],
  [SW_WRONG_LENGTH, 'wrong length'],
  [0x6800, 'function in CLA not supported'],
  [SW_LOGICAL_CHANNEL_NOT_SUPPORTED, 'logical channel not supported'],
  [SW_SECURE_MESSAGING_NOT_SUPPORTED, 'secure messaging not supported'],
  [SW_LAST_COMMAND_OF_CHAIN_EXPECTED, 'last command of the chain expected'],
  [SW_COMMAND_CHAINING_NOT_SUPPORTED, 'command chaining not supported'],
  [SW_COMMAND_NOT_ALLOWED, 'command not allowed'],
  [0x6981, 'command incompatible with file structure'],
  [SW_SECURITY_STATUS_NOT_SATISFIED, 'security status not satisfied'],
  [SW_AUTHENTICATION_METHOD_BLOCKED, 'authentication method blocked'],
  [SW_REFERENCE_DATA_NOT_USABLE, 'reference data not usable'],
  [SW_CONDITIONS_OF_USE_NOT_SATISFIED, 'conditions of use not satisfied'],
  [SW_NO_CURRENT_EF, 'no current EF'],
  [0x6987, 'expected secure messaging data objects missing'],
  [0x6988, 'incorrect secure messaging data objects'],
  [0x6a00, 'wrong parameters P1 P2'],
  [SW_WRONG_DATA, 'incorrect parameters in the data field'],
  [SW_FUNCTION_NOT_SUPPORTED, 'function not supported'],
  [SW_FILE_NOT_FOUND, 'file or application not found'],
  [SW_RECORD_NOT_FOUND, 'record not found'],
  [SW_NOT_ENOUGH_MEMORY, 'not enough memory space'],
  [0x6a85, 'Lc inconsistent with TLV structure'],
  [SW_INCORRECT_P1_P2, 'incorrect parameters P1 P2'],
  [0x6a87, 'Lc inconsistent with parameters P1 P2'],
  [SW_REFERENCED_DATA_NOT_FOUND, 'referenced data not found'],
  [0x6a89, 'file already exists'],
  [0x6a8a, 'DF name already exists'],
  [SW_WRONG_P1_P2, 'offset or P1 P2 out of range'],
  [SW_INS_NOT_SUPPORTED, 'instruction not supported'],
  [SW_CLA_NOT_SUPPORTED, 'class not supported'],
  [SW_UNKNOWN, 'no precise diagnosis'],
]);

/** "6A82" for 0x6a82. */
export function formatStatusWord(statusWord: number): string {
  return statusWord.toString(16).toUpperCase().padStart(4, '0');
}

/** The standard's meaning in a few words. Total: an unlisted status word gets that of its class. */
export function describeStatusWord(statusWord: number): string {
  const exact = MEANINGS.get(statusWord);
  if (exact !== undefined) return exact;
  const sw2 = statusWord & 0xff;
  if ((statusWord & 0xfff0) === 0x63c0) return `counter is ${sw2 & 0x0f}`;
  switch (statusWord >> 8) {
    case SW1_BYTES_AVAILABLE:
      return `${sw2 === 0 ? 256 : sw2} bytes or more available`;
    case SW1_WRONG_LE:
      return `wrong Le, ${sw2 === 0 ? 256 : sw2} is right`;
    case 0x62:
      return 'warning, memory unchanged';
    case 0x63:
      return 'warning, memory changed';
    case 0x64:
      return 'execution error, memory unchanged';
    case 0x65:
      return 'execution error, memory changed';
    case 0x66:
      return 'security issue';
    case 0x68:
      return 'function in CLA not supported';
    case 0x69:
      return 'command not allowed';
    case 0x6a:
      return 'wrong parameters P1 P2';
    default:
      return 'not defined by ISO/IEC 7816-4';
  }
}

/** X of `63CX`: tries left. Undefined for any other status word. */
export function counterOf(statusWord: number): number | undefined {
  return (statusWord & 0xfff0) === 0x63c0 ? statusWord & 0x0f : undefined;
}

/** UPDATE BINARY (ISO/IEC 7816-4:2020, section 11.3.5), and what a card answers to commands that change it. */
import { CardFullError, NotSupportedByCardError, SecurityStatusError, StatusWordError } from '../../errors.ts';
import type { CommandApdu } from '../../iso7816/command-apdu.ts';
import type { ResponseApdu } from '../../iso7816/response-apdu.ts';
import {
  SW_COMMAND_NOT_ALLOWED,
  SW_CONDITIONS_OF_USE_NOT_SATISFIED,
  SW_FUNCTION_NOT_SUPPORTED,
  SW_INS_NOT_SUPPORTED,
  SW_NOT_ENOUGH_MEMORY,
  SW_SECURITY_STATUS_NOT_SATISFIED,
  SW_SUCCESS,
  SW_WRONG_LENGTH,
} from '../../iso7816/status-word.ts';
import type { CardFiles } from './files.ts';

const INS_UPDATE_BINARY = 0xd6;
/** One UPDATE BINARY: a chain of them would be one command with the offset of the first. */
const UPDATE_LENGTH = 0xf0;
/** On cards that say that they take extended length; how much, few of them say (ISO/IEC 7816-4:2020, section 12.7.1). One that takes less is written to in short ones. */
const EXTENDED_UPDATE_LENGTH = 0x800;

/** Into the selected file, from its beginning. */
export async function update(attempt: string, files: CardFiles, content: Uint8Array): Promise<void> {
  let length = files.channel.supportsExtendedLength ? EXTENDED_UPDATE_LENGTH : UPDATE_LENGTH;
  for (let offset = 0; offset < content.length;) {
    const data = content.subarray(offset, offset + length);
    const command: CommandApdu = { cla: 0x00, ins: INS_UPDATE_BINARY, p1: offset >> 8, p2: offset & 0xff, data };
    const response = await files.channel.exchange(command);
    if (response.statusWord === SW_WRONG_LENGTH && length > UPDATE_LENGTH) {
      length = UPDATE_LENGTH;
      continue;
    }
    requireSuccess(attempt, INS_UPDATE_BINARY, response);
    offset += data.length;
  }
}

/** A few bytes into the file, where nothing depends on it: false when the card does not let it be written, or has it not. */
export async function updateIfAllowed(files: CardFiles, file: string, offset: number, data: Uint8Array): Promise<boolean> {
  return (await files.select(file)) !== undefined && (await updateSelectedIfAllowed(files, offset, data));
}

/** Into the file that was selected, read or written to right before. */
export async function updateSelectedIfAllowed(files: CardFiles, offset: number, data: Uint8Array): Promise<boolean> {
  const command: CommandApdu = { cla: 0x00, ins: INS_UPDATE_BINARY, p1: offset >> 8, p2: offset & 0xff, data };
  return (await files.channel.exchange(command)).statusWord === SW_SUCCESS;
}

export function requireSuccess(attempt: string, instruction: number, { statusWord }: ResponseApdu): void {
  const fields = { statusWord, instruction };
  switch (statusWord) {
    case SW_SUCCESS:
      return;
    case SW_SECURITY_STATUS_NOT_SATISFIED:
      throw new SecurityStatusError(`${attempt}: card wants a PIN first`, fields);
    case SW_NOT_ENOUGH_MEMORY:
      throw new CardFullError(`${attempt}: card has no room`, fields);
    case SW_COMMAND_NOT_ALLOWED:
    case SW_CONDITIONS_OF_USE_NOT_SATISFIED:
    case SW_FUNCTION_NOT_SUPPORTED:
    case SW_INS_NOT_SUPPORTED:
      throw new NotSupportedByCardError(`${attempt}: card does not let it be changed`, fields);
    default:
      throw new StatusWordError(attempt, statusWord, instruction);
  }
}

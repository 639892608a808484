/** Users of this workstation, as the operating system knows them: the user id where there is one, else the name of the account. */
import { userInfo } from 'node:os';

/** Who runs this process. */
export function ownUser(): string {
  return process.getuid === undefined ? userInfo().username : String(process.getuid());
}

/** What a person is called on this workstation: the page tells them whose prompts it shows. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { ownUser } from '../access/local-user.ts';

/** The account's name, or the id itself where the system keeps its users elsewhere. */
export function userNameOf(user: string): string {
  if (user === ownUser()) return userInfo().username;
  if (process.platform !== 'linux') return user;
  // passwd(5): name, password, user id, …
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  return accounts.map((line) => line.split(':')).find(([, , id]) => id === user)?.[0] ?? user;
}

/** Users and groups of the system's files (passwd(5), group(5)). Those of a directory service are not in them. */
import type { SystemFiles } from './files.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  /** Its own group and those that list it. */
  readonly gids: ReadonlySet<number>;
}

export async function findAccount(look: Pick<SystemFiles, 'readText'>, name: string): Promise<Account | undefined> {
  const [users, groups] = await Promise.all([look.readText('/etc/passwd'), look.readText('/etc/group')]);
  const row = rowsOf(users.state === 'seen' ? users.value : '').find(([user]) => user === name);
  if (!row) return undefined;
  const others = rowsOf(groups.state === 'seen' ? groups.value : '').flatMap(([, , gid, members = '']) =>
    members.split(',').includes(name) ? [Number(gid)] : [],
  );
  return { name, uid: Number(row[2]), gids: new Set([Number(row[3]), ...others]) };
}

/** By number, or undefined where the files do not name it. */
export async function userName(look: Pick<SystemFiles, 'readText'>, uid: number): Promise<string | undefined> {
  const users = await look.readText('/etc/passwd');
  return rowsOf(users.state === 'seen' ? users.value : '').find(([, , id]) => Number(id) === uid)?.[0];
}

function rowsOf(text: string): readonly (readonly string[])[] {
  return text.split('\n').flatMap((line) => (line === '' || line.startsWith('#') ? [] : [line.split(':')]));
}

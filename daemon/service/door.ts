/** The way from a command to the daemon that is meant (`where.ts`): its Unix socket, or on Windows its address and token. */
import { accessSync, constants, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DataFolderError, defaultDataFolder, findDaemon, type Endpoint } from '../data-folder.ts';
import { findService, type Service } from './where.ts';

/** Of a daemon whose data folder this user can read, or of the installed service. */
export type Door = { readonly endpoint: Endpoint; readonly token: string } | { readonly serviceSocket: string };

export interface DoorOptions {
  /** Of an image of a computer. */
  readonly root?: string;
}

/** Throws DataFolderError that says where was looked, and what to do. */
export async function findDoor(dataDir: string, { root }: DoorOptions = {}): Promise<Door> {
  try {
    return doorOf(dataDir);
  } catch (error) {
    if (!(error instanceof DataFolderError)) throw error;
    const service = await findService(root === undefined ? {} : { root });
    const isNamed = resolve(dataDir) !== resolve(defaultDataFolder());
    if (isNamed && resolve(dataDir) !== service.dataFolder) throw error;
    return doorOfService(service, error);
  }
}

function doorOf(dataDir: string): Door {
  const { token, ...endpoint } = findDaemon(dataDir);
  return { endpoint, token };
}

function doorOfService({ unit, dataFolder, socket }: Service, own: DataFolderError): Door {
  if (existsSync(socket)) return { serviceSocket: usable(socket) };
  try {
    if (dataFolder !== undefined) return doorOf(dataFolder);
  } catch (error) {
    if (!(error instanceof DataFolderError)) throw error;
  }
  if (unit === undefined && dataFolder === undefined) throw own;
  const said = [
    `Sökte en egen tjänst för den här användaren: ${own.sv}`,
    `och den installerade tjänsten: ${unit === undefined ? 'ingen enhetsfil' : `enhetsfilen ${unit.file}`}, datamapp ${dataFolder ?? 'okänd'}, ingen socket ${socket}.`,
  ];
  const looked = [
    `Looked for a daemon of this user's own: ${own.message}`,
    `and for the installed service: ${unit === undefined ? 'no unit' : `its unit ${unit.file}`}, data folder ${dataFolder ?? 'unknown'}, no socket ${socket}.`,
  ];
  throw new DataFolderError(
    `no kortd runs. ${looked.join('\n')}\nStart the service with: sudo systemctl start kortd.socket kortd. What is wrong with it says: kortd doctor`,
    {
      sv: `ingen kortd är igång. ${said.join('\n')}\nStarta tjänsten med: sudo systemctl start kortd.socket kortd. Vad som är fel med den säger: kortd doctor`,
      cause: own,
    },
  );
}

function usable(socket: string): string {
  try {
    accessSync(socket, constants.R_OK | constants.W_OK);
    return socket;
  } catch (error) {
    throw new DataFolderError(
      `kortd runs as a service, and this user may not use it at ${socket}. Have an administrator run "adduser NAME kortd", and log in anew.`,
      {
        sv: `kortd är igång som tjänst, och den här användaren får inte använda den via ${socket}. Be en administratör köra "adduser NAMN kortd", och logga in på nytt.`,
        cause: error,
      },
    );
  }
}

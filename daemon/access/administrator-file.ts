/** Files that the administrator writes, as the daemon's parts read them: the drivers read theirs by the same rule. */
export { readAdministratorFile, type AdministratorFileOptions } from '../../drivers/administrator-file.ts';

/**
 * Ends the process although a native call still blocks one of its threads, as one to a card that hangs does: Node's own exit would wait for
 * that thread for ever. Everything of ours must be closed before.
 */
import koffi from 'koffi';

/** _exit (POSIX) and ExitProcess (Windows) end every thread and run nothing more. Does not return. */
export function exitAtOnce(status: number): void {
  const exit =
    process.platform === 'win32'
      ? koffi.load('kernel32.dll').func('void __stdcall ExitProcess(unsigned int)')
      : koffi.load(null).func('void _exit(int)');
  exit(status);
}

/** What a prompt program is told of the person's session: what it needs to show a dialog, and nothing that could change it. */
import type { Environment } from './find-program.ts';
import type { PromptTexts } from './texts.ts';

/** Passed to a program as they are. LD_PRELOAD, GTK_MODULES, QT_PLUGIN_PATH and the like would put others' code into the dialog. */
const PASSED_ON = [
  'DBUS_SESSION_BUS_ADDRESS',
  'DISPLAY',
  'HOME',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TERM',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'XDG_CURRENT_DESKTOP',
  'XDG_RUNTIME_DIR',
  'XDG_SESSION_TYPE',
] as const;

/** The program's whole environment. */
export function environmentOfProgram(environment: Environment): Readonly<Record<string, string>> {
  const passed = PASSED_ON.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(passed), PATH: '/usr/bin:/bin' };
}

/** There is no option for WAYLAND_DISPLAY and XDG_RUNTIME_DIR: programs read those from their environment. */
export function optionsOf(environment: Environment, texts: PromptTexts): readonly (readonly [string, string])[] {
  const options = [
    ['display', environment['DISPLAY']],
    ['ttyname', environment['GPG_TTY']],
    ['ttytype', environment['TERM']],
    ['lc-ctype', characterSetOf(environment)],
    ['lc-messages', texts.locale],
  ] as const;
  return options.flatMap(([name, value]) => (value !== undefined && isPlain(value) ? [[name, value] as const] : []));
}

/**
 * pinentry-curses 1.2.1 shows nothing at all where the locale is "C", or is not installed, and a text has more than ASCII (measured). C.UTF-8 is always there
 * (glibc 2.35), and a terminal of UTF-8 makes no difference between it and another; one of another character set is told as it is.
 */
function characterSetOf(environment: Environment): string {
  const locale = [environment['LC_ALL'], environment['LC_CTYPE'], environment['LANG']].find(Boolean) ?? 'C';
  return /^(C|POSIX)$|\.utf-?8(@|$)/i.test(locale) || !locale.includes('.') ? 'C.UTF-8' : locale;
}

/** Values of options are not unescaped: only what needs no escape can be sent. */
function isPlain(value: string): boolean {
  return value.length <= 255 && /^[!-$&-[\]-~]+$/.test(value);
}

/** The one time that packages hold: of the last commit, so that who builds the same sources later builds the same packages. */
import { execFileSync } from 'node:child_process';

/** Seconds since 1970. $SOURCE_DATE_EPOCH (reproducible-builds.org) goes first: a tree without its history needs it. */
export function sourceDateEpoch(root: string): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  const text = given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, encoding: 'utf8' }).trim();
  const epoch = Number(text);
  if (!Number.isSafeInteger(epoch) || epoch <= 0)
    throw new Error(`reading the time of the sources: "${text}" is no number of seconds`);
  return epoch;
}

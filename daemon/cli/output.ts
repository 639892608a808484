/** What the command line prints: results to standard output, everything else to standard error. */
export function printResult(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printNotice(text: string): void {
  process.stderr.write(`${text}\n`);
}

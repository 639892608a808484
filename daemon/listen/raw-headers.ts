/** Headers as they came: Node joins repeated ones or drops all but the first, and what is checked must be what was sent. */
import type { IncomingMessage } from 'node:http';

/** Each value of the header, in the order sent. `name` in lower case. */
export function headerValues(request: Pick<IncomingMessage, 'rawHeaders'>, name: string): readonly string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) values.push(request.rawHeaders[index + 1] ?? '');
  }
  return values;
}

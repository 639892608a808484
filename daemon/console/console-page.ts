/**
 * The two pages of the console. They are two sites of one port: the page that asks is at http://127.0.0.1, the one that shows the desk at
 * http://localhost, so that the browser keeps the two apart as it does any two sites, and the scripts of neither reach into the other.
 */

/** `prompts`: asks for PINs and consent. `desk`: shows the desk, and asks nothing. */
export type ConsolePage = 'desk' | 'prompts';

const DESK_NAME = 'localhost';
const PROMPTS_NAME = '127.0.0.1';

export function pageAt(host: string): ConsolePage {
  return host.startsWith(`${DESK_NAME}:`) ? 'desk' : 'prompts';
}

export function hostOfPage(page: ConsolePage, port: number): string {
  return `${page === 'desk' ? DESK_NAME : PROMPTS_NAME}:${port}`;
}

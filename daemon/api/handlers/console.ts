import type { Handlers } from '../call.ts';
import type { HandlerContext } from './context.ts';

export function consoleHandlers(context: HandlerContext): Pick<Handlers, 'console.open'> {
  return { 'console.open': ({ page = 'prompts' }, call) => context.consoleLink(call.caller.user, page) };
}

/** A web page with a grant, at a bench whose policy has it. */
import { RpcSocket, type Bench } from '../api/support.ts';

export const PAGE = 'https://portal.example';

/** `reuseSeconds`: for so long a PIN that was typed for the page is good. */
export function pagePolicy(reuseSeconds: number): object {
  return { origins: [{ origin: PAGE, scopes: ['card.read', 'sign'], pin: { reuseSeconds } }] };
}

/** Its WebSocket, as the browser opens it. */
export async function openPage({ port }: Pick<Bench, 'port'>): Promise<RpcSocket> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/access/request`, {
    method: 'POST',
    headers: { origin: PAGE, 'content-type': 'application/json' },
    body: JSON.stringify({ scopes: ['card.read'] }),
  });
  const { token } = (await answer.json()) as { token: string };
  return await RpcSocket.open(port, token, { origin: PAGE });
}

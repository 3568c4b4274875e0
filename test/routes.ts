/** Asks the routes of a service without a server around them. */
import type { ServiceAnswer, ServiceRequest, ServiceRoute } from '../src/core/contract/index.ts';

export interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  json(): Record<string, unknown>;
}

/** @param form is sent as application/x-www-form-urlencoded. */
export async function askRoute(
  routes: readonly ServiceRoute[],
  method: 'GET' | 'POST',
  target: string,
  form: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const url = new URL(target, 'http://server.test');
  const route = routes.find((one) => one.method === method && one.path === url.pathname);
  if (!route) throw new Error(`no route for ${method} ${url.pathname}`);
  const body = new TextEncoder().encode(new URLSearchParams({ ...form }).toString());
  const request: ServiceRequest = { params: {}, query: url.searchParams, headers: {}, body, remote: '192.0.2.1', signal: new AbortController().signal };
  const answer: ServiceAnswer = await route.answer(request);
  const text = typeof answer.body === 'string' ? answer.body : new TextDecoder().decode(answer.body);
  return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) as Record<string, unknown> };
}

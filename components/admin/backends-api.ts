import { request, requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { hasShape } from '#lib/browser/type-guards';
import type { AdminBackend, AdminBackends } from '#lib/wire/admin-backends';
import { jsonRequest } from '../people/people-api.ts';

const BACKENDS_PATH = `${API_BASE}/api/admin/backends`;
/** More than a gateway may have. */
const PAGE_SIZE = 200;

const isBackends = hasShape<AdminBackends>({ backends: 'array' });
const isBackend = hasShape<AdminBackend>({
  id: 'string',
  url: 'string',
  source: 'string',
  has_token: 'boolean',
  state: 'string',
  draining: 'boolean',
  active: 'number',
  waiting: 'number',
  web_sockets: 'number',
  requests: 'number',
  failures: 'number',
});

export function fetchBackends(): Promise<AdminBackends> {
  return requestJson(isBackends, `${BACKENDS_PATH}?limit=${PAGE_SIZE}`);
}

export function addBackend(url: string): Promise<AdminBackend> {
  return requestJson(isBackend, BACKENDS_PATH, jsonRequest('POST', { url }));
}

export function drainBackend(id: string, draining: boolean): Promise<AdminBackend> {
  return requestJson(isBackend, `${BACKENDS_PATH}/${encodeURIComponent(id)}`, jsonRequest('PATCH', { draining }));
}

export async function removeBackend(id: string): Promise<void> {
  await request(`${BACKENDS_PATH}/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

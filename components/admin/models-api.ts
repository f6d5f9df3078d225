import { ApiError, request, requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { hasShape, isRecord, parseJson } from '#lib/browser/type-guards';
import type { AdminModel, AdminModels, ModelChange } from '#lib/wire/people-admin';
import { jsonRequest } from '../people/people-api.ts';

const PAGE_SIZE = 200;
const MOST_PAGES = 20;
const MODELS_PATH = `${API_BASE}/api/admin/models`;

const isAdminModels = hasShape<AdminModels>({ models: 'array', default_model: 'string', can_pull: 'boolean' });
const isAdminModel = hasShape<AdminModel>({
  id: 'string',
  provider: 'string',
  capabilities: 'object',
  loaded: 'boolean',
  is_default: 'boolean',
  hidden: 'boolean',
  parameters: 'object',
  supported_parameters: 'array',
  can_unload: 'boolean',
  can_delete: 'boolean',
});

/** All pages together: the page is one list. */
export async function fetchAdminModels(): Promise<AdminModels> {
  const query = new URLSearchParams({ limit: String(PAGE_SIZE) });
  const first = await requestJson(isAdminModels, `${MODELS_PATH}?${query}`);
  const models = [...first.models];
  let cursor = first.next_cursor;
  for (let page = 1; cursor !== null && page < MOST_PAGES; page += 1) {
    query.set('cursor', cursor);
    const next = await requestJson(isAdminModels, `${MODELS_PATH}?${query}`);
    models.push(...next.models);
    cursor = next.next_cursor;
  }
  return { ...first, models, next_cursor: cursor };
}

export function changeModel(model: string, change: ModelChange): Promise<AdminModel> {
  return requestJson(isAdminModel, MODELS_PATH, jsonRequest('PATCH', { model, ...change }));
}

export async function deleteModel(model: string): Promise<void> {
  await request(`${API_BASE}/api/delete`, {
    method: 'DELETE',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model }),
  });
}

/** How far a download is. */
export interface PullProgress {
  /** In the words of the model server: `pulling 8e4a…`. */
  status: string;
  /** Bytes of the file that is on its way. */
  completed: number;
  total: number;
}

/** Downloads a model. Rejects if the model server reports an error or ends early. */
export async function pullModel(
  model: string,
  onProgress: (progress: PullProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await request(`${API_BASE}/api/pull`, { ...jsonRequest('POST', { model, stream: true }), signal });
  let isDone = false;
  for await (const line of linesOf(response)) {
    const event = parseJson(line);
    if (!isRecord(event)) continue;
    if (typeof event.error === 'string') throw new ApiError(event.error, 502, 'pull_failed');
    const { status, completed, total } = event;
    if (status === 'success') isDone = true;
    onProgress({
      status: typeof status === 'string' ? status : '',
      completed: typeof completed === 'number' ? completed : 0,
      total: typeof total === 'number' ? total : 0,
    });
  }
  if (!isDone) throw new ApiError('', 502, 'upstream_truncated');
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let rest = '';
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}

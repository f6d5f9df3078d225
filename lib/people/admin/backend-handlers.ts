import { shareChange } from '#lib/cluster/cluster';
import { AppError } from '#lib/errors';
import { type Backend, backendId } from '#lib/gateway/backend';
import { gateway } from '#lib/gateway/index';
import { type AuditRecord, actorOf, auditStatement } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { pageOfAll, readPage } from '#lib/people/page-cursor';
import { store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { type AdminBackend, type AdminBackends, backendChangeSchema, newBackendSchema } from '#lib/wire/admin-backends';
import { backendChange, parseBackendUrl, type StoredBackend, setBackendChange } from './changed-backends.ts';
import { BACKEND_PREFIX, storeStatement } from './stored-values.ts';
import { type ChangeTurn, inTurn } from './turns.ts';

/** Handlers of /api/admin/backends: the gateway's backends, while the server runs. */

const MAX_BODY_BYTES = 8 * KIB;
/** Each has up to GATEWAY_POOL_SIZE connections, of as many file descriptors. */
const MAX_BACKENDS = 32;
/** A younger result of a check is reused. */
const CHECK_MAX_AGE_MS = 2_000;

export async function listBackends(request: HttpRequest): Promise<Reply> {
  const page = readPage(request);
  // What is stored is read when the database opens.
  await store();
  await gateway().checkBackends(CHECK_MAX_AGE_MS);
  const byId = new Map(gateway().backends.map((backend) => [backend.id, backend]));
  const { rows, next_cursor } = pageOfAll(
    [...byId.values()],
    page,
    ({ source, address }) =>
      // Those of the environment first.
      `${source === 'environment' ? 0 : 1} ${address}`,
  );
  return json({ backends: rows.map(describe), next_cursor } satisfies AdminBackends);
}

export async function addBackend(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const body = parseBody(newBackendSchema, await readJson(request, MAX_BODY_BYTES));
  const parsed = parseBackendUrl(body.url);
  if ('problem' in parsed)
    throw new AppError('invalid_request', `The request is not valid: url ${parsed.problem}.`, {
      details: [{ field: 'url', message: parsed.problem }],
    });
  const { url } = parsed;
  return await inTurn('backend', async (turn) => {
    requireRoomFor(url);
    await save(
      turn,
      backendId(url),
      { url, draining: false, added: true },
      { action: 'backend.add', summary: `added the backend ${url}` },
      context,
    );
    const backend = gateway().add(url);
    setBackendChange(backend.id, changeBy(context));
    shareChange({ kind: 'settings' });
    return json(describe(backend), 201);
  });
}

export async function readBackend(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  await store();
  return json(describe(findBackend(context)));
}

/** Begins to drain a backend, or ends that. */
export async function changeBackend(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { draining } = parseBody(backendChangeSchema, await readJson(request, MAX_BODY_BYTES));
  return await inTurn('backend', (turn) => setDraining(turn, draining, context));
}

async function setDraining(turn: ChangeTurn, draining: boolean, context: RequestContext): Promise<Reply> {
  const backend = findBackend(context);
  if (draining === backend.isDraining) return json(describe(backend));
  const { id, source, address } = backend;
  const isDefault = source === 'environment' && !draining;
  await save(
    turn,
    id,
    isDefault ? undefined : { url: address, draining, added: source === 'added' },
    {
      action: draining ? 'backend.drain' : 'backend.resume',
      summary: draining ? `drains the backend ${address}` : `gives the backend ${address} requests again`,
      changes: { before: { draining: backend.isDraining }, after: { draining } },
    },
    context,
  );
  gateway().drain(backend, draining);
  setBackendChange(id, isDefault ? undefined : changeBy(context));
  shareChange({ kind: 'settings' });
  return json(describe(backend));
}

export function removeBackend(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  return inTurn('backend', (turn) => remove(turn, context));
}

async function remove(turn: ChangeTurn, context: RequestContext): Promise<Reply> {
  const backend = findBackend(context);
  const { id, source, address } = backend;
  if (source === 'environment')
    throw new AppError(
      'unsupported_value',
      `${address} is set in the environment of the server (PRIVATE_BACKEND_URL). Drain it, or remove it there.`,
      { details: [{ field: 'id', message: 'is set in the environment' }] },
    );
  await save(turn, id, undefined, { action: 'backend.remove', summary: `removed the backend ${address}` }, context);
  gateway().remove(backend);
  setBackendChange(id, undefined);
  shareChange({ kind: 'settings' });
  return { status: 204, headers: { 'cache-control': 'no-store' }, body: null };
}

function requireRoomFor(url: string): void {
  if (gateway().findByUrl(url) !== undefined)
    throw new AppError('conflict', `The gateway has the backend ${url} already.`);
  if (gateway().backends.length >= MAX_BACKENDS)
    throw new AppError('conflict', `The gateway has ${MAX_BACKENDS} backends, which is the most. Remove one first.`);
}

function findBackend({ params }: RequestContext): Backend {
  const { id } = params;
  const backend = typeof id === 'string' ? gateway().find(id) : undefined;
  if (backend === undefined) throw new AppError('not_found', 'There is no backend with this id.');
  return backend;
}

async function save(
  turn: ChangeTurn,
  id: string,
  stored: StoredBackend | undefined,
  record: Omit<AuditRecord, 'target'>,
  context: RequestContext,
): Promise<void> {
  const opened = await store();
  const actor = actorOf(context);
  await turn.save(opened, [
    storeStatement(opened, BACKEND_PREFIX + id, stored, actor),
    auditStatement(opened, actor, { changes: { after: stored ?? null }, ...record, target: id }),
  ]);
}

function changeBy(context: RequestContext) {
  return { by: actorOf(context).name, atMs: Date.now() };
}

function describe(backend: Backend): AdminBackend {
  const { id, address, source, token, webSockets } = backend;
  const { state, draining, active, waiting, requests, failures, last_failure } = backend.stats();
  const change = backendChange(id);
  return {
    id,
    url: address,
    source,
    has_token: token !== undefined,
    ...{ state, draining, active, waiting, web_sockets: webSockets, requests, failures, last_failure },
    changed_by: change?.by ?? null,
    changed_at: change === undefined ? null : new Date(change.atMs).toISOString(),
  };
}

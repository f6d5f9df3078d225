import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { peopleLimits } from '#lib/people/limits/index';
import { LIMIT_SETTING_NAMES, limitOf } from '#lib/people/limits/limit-definitions';
import type { ScopeEntry } from '#lib/people/limits/limit-table';
import { managedScopes, requireScope } from '#lib/people/limits/scope-directory';
import { KIB } from '#lib/units';
import {
  DEFAULT_SCOPE,
  LIMIT_NAMES,
  type LimitKind,
  type LimitList,
  type LimitName,
  type LimitScope,
  type LimitsChange,
  limitScopeSchema,
  limitsChangeSchema,
  type ScopedLimits,
  type StoredLimits,
} from '#lib/wire/limits';

const BODY_LIMIT_BYTES = 16 * KIB;
const PAGE_SIZE = 100;

/** GET /api/admin/limits: the scopes with limits, that of `kind` and `id`, or a page of all. */
export async function handleListLimits(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { searchParams } = new URL(request.url);
  const limits = peopleLimits();
  await limits.whenLoaded();
  if (searchParams.has('kind') || searchParams.has('id')) {
    const scope = scopeParameter(searchParams);
    const stored = limits.table.get(scope);
    await requireScope(context.principal, scope, { isRead: true, isStored: stored !== undefined });
    const entry = stored ?? { scope, limits: {}, updatedAt: null };
    return json({ limits: [scopedLimits(entry)], next_cursor: null } satisfies LimitList);
  }
  const stored = limits.table.entries.filter(({ scope }) => scope.kind !== 'default');
  const all = [limits.table.get(DEFAULT_SCOPE) ?? { scope: DEFAULT_SCOPE, limits: {}, updatedAt: null }, ...stored];
  const after = cursorParameter(searchParams);
  const isManaged = await managedScopes(context.principal);
  const page: ScopeEntry[] = [];
  for (const entry of all.slice(after === undefined ? 0 : indexAfter(all, after))) {
    if (page.length > PAGE_SIZE) break;
    if (entry.scope.kind === 'default' || isManaged(entry.scope)) page.push(entry);
  }
  const shown = page.slice(0, PAGE_SIZE);
  const last = page.length > PAGE_SIZE ? shown.at(-1) : undefined;
  const body: LimitList = {
    limits: shown.map(scopedLimits),
    next_cursor: last === undefined ? null : cursorOf(last.scope),
  };
  return json(body);
}

/** PUT: replaces all limits of a scope. */
export function handlePutLimits(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return change(request, context, () => ({}));
}

/** PATCH: changes the limits that are named; null removes one. */
export function handlePatchLimits(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return change(request, context, (current) => current);
}

/** DELETE: the limits of a scope are those of less specific ones from now on. */
export async function handleDeleteLimits(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const scope = scopeParameter(new URL(request.url).searchParams);
  await requireScope(context.principal, scope, { isStored: peopleLimits().table.get(scope) !== undefined });
  await peopleLimits().delete(scope, context);
  return { status: 204, headers: {}, body: null };
}

async function change(
  request: HttpRequest,
  context: RequestContext,
  base: (current: StoredLimits) => StoredLimits,
): Promise<Reply> {
  const { scope, limits: changes } = parseBody(limitsChangeSchema, await readJson(request, BODY_LIMIT_BYTES));
  await requireScope(context.principal, scope);
  if (scope.kind === 'default') refuseLocked(changes);
  const { LIMIT_KIND: kind } = context.settings;
  const entry = await peopleLimits().change(scope, (current) => merged(base(current), changes, kind), context);
  return json(scopedLimits(entry));
}

/** `kind` is that of a limit of tokens without a kind. */
function merged(base: StoredLimits, changes: LimitsChange['limits'], kind: LimitKind): StoredLimits {
  const limits: StoredLimits = {};
  for (const name of LIMIT_NAMES) {
    const changed = changes[name];
    const current = base[name];
    if (changed === null) continue;
    if (changed !== undefined) limits[name] = limitOf(name, changed.limit, changed.kind ?? current?.kind ?? kind);
    else if (current !== undefined) limits[name] = current;
  }
  return limits;
}

/** What the environment sets is changed there: a stored default would have no effect. */
function refuseLocked(changes: LimitsChange['limits']): void {
  const locked = lockedNames().filter((name) => changes[name] !== undefined);
  const [first] = locked;
  if (first === undefined) return;
  const details = locked.map((name) => ({ field: `limits.${name}`, message: 'is set in the environment' }));
  throw new AppError(
    'unsupported_value',
    `${LIMIT_SETTING_NAMES[first]} is set in the environment of the server. Change it there, or leave it out.`,
    { details },
  );
}

function lockedNames(): LimitName[] {
  const { environment } = peopleLimits().table;
  return LIMIT_NAMES.filter((name) => environment[name] !== undefined);
}

function scopedLimits({ scope, limits, updatedAt }: ScopeEntry): ScopedLimits {
  const isDefault = scope.kind === 'default';
  return {
    scope,
    limits: isDefault ? peopleLimits().table.defaultsWith(limits) : limits,
    locked: isDefault ? lockedNames() : [],
    updated_at: updatedAt === null ? null : new Date(updatedAt).toISOString(),
  };
}

function scopeParameter(parameters: URLSearchParams): LimitScope {
  return parseBody(limitScopeSchema, { kind: parameters.get('kind'), id: parameters.get('id') ?? undefined });
}

function cursorOf({ kind, id }: LimitScope): string {
  return Buffer.from(`${kind} ${id}`).toString('base64url');
}

function cursorParameter(parameters: URLSearchParams): LimitScope | undefined {
  const cursor = parameters.get('cursor');
  if (cursor === null) return undefined;
  const [kind, ...id] = Buffer.from(cursor, 'base64url').toString().split(' ');
  const scope = limitScopeSchema.safeParse({ kind, id: id.join(' ') });
  if (scope.success) return scope.data;
  const message = 'must be the next_cursor of a page';
  throw new AppError('invalid_request', `cursor ${message}.`, { details: [{ field: 'cursor', message }] });
}

/** Where the page after `scope` begins, also if its limits were removed since. */
function indexAfter(all: readonly ScopeEntry[], scope: LimitScope): number {
  const { table } = peopleLimits();
  const index = all.findIndex((entry) => table.compare(entry.scope, scope) > 0);
  return index === -1 ? all.length : index;
}

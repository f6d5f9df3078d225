import { AppError } from '#lib/errors';
import { actorOf } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import type { Principal } from '#lib/http/principal';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import {
  createKey,
  findKey,
  keyNotFound,
  listKeys,
  type OwnedKey,
  ownerOfKey,
  revokeKey,
} from '#lib/people/accounts/access-keys';
import { groupOf, noContent, pathId } from '#lib/people/accounts/http/admin-scope';
import { asPerson, type Person } from '#lib/people/accounts/http/person-of';
import { changeKeyLimits, givenLimits, requireOwnLimits, saveWithLimits } from '#lib/people/accounts/scope-limits';
import { readPage } from '#lib/people/page-cursor';
import { type Store, store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { keyChangeSchema, keyRequestSchema, serviceKeyRequestSchema } from '#lib/wire/accounts';

/** Handlers of /api/keys (a person's own keys) and /api/admin/keys. */

const MAX_BODY_BYTES = 128 * KIB;
const FIELDS = ['expires_in_days', 'group_id', 'trust_end_user'];

export async function listOwnKeys(request: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const { userId } = asPerson(principal);
  return json(await listKeys(await store(), readPage(request, 'ms'), { userId }));
}

export async function createOwnKey(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const person = asPerson(context.principal);
  const body = parseBody(keyRequestSchema, await readJson(request, MAX_BODY_BYTES), FIELDS);
  requireOwnLimits(person, body.limits);
  const owner = { userId: person.userId, groupId: null };
  const save = saveWithLimits(body.limits, context);
  const created = await createKey(await store(), owner, body, person, actorOf(context), save);
  return json({ ...created, limits: givenLimits(body.limits) }, 201);
}

/** Changes the limits of an own key. */
export async function changeOwnKey(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const person = asPerson(context.principal);
  const { limits } = parseBody(keyChangeSchema, await readJson(request, MAX_BODY_BYTES));
  const opened = await store();
  const { id } = await ownKey(opened, context, person);
  requireOwnLimits(person, limits);
  await changeKeyLimits(id, limits, context);
  const key = await findKey(opened, id, {});
  if (key === undefined) throw keyNotFound();
  return json(key);
}

export async function revokeOwnKey(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const opened = await store();
  const { id, key } = await ownKey(opened, context, asPerson(context.principal));
  await revokeKey(opened, id, key, context);
  return noContent();
}

/** A key of another person has the same reply as one that does not exist. */
async function ownKey(
  opened: Store,
  context: RequestContext,
  { userId }: Person,
): Promise<{ readonly id: string; readonly key: OwnedKey }> {
  const id = pathId(context);
  const key = await ownerOfKey(opened, id);
  if (key === undefined || key.userId !== userId) throw keyNotFound();
  return { id, key };
}

export async function listAllKeys(request: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const page = readPage(request, 'ms');
  const userId = page.query.get('user_id') ?? undefined;
  return json(await listKeys(await store(), page, { groupId: groupOf(principal), userId }));
}

/** A manager reads those of the own group; others are 404, as those that do not exist. */
export async function readAnyKey(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const key = await findKey(await store(), pathId(context), { groupId: groupOf(context.principal) });
  if (key === undefined) throw keyNotFound();
  return json(key);
}

/** Makes a service key, which belongs to a group. */
export async function createServiceKey(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { principal } = context;
  const body = parseBody(serviceKeyRequestSchema, await readJson(request, MAX_BODY_BYTES), FIELDS);
  const { group_id: groupId, ...key } = body;
  requireGroup(principal, groupId);
  const opened = await store();
  const group = await opened.db.selectFrom('groups').select('id').where('id', '=', groupId).executeTakeFirst();
  if (group === undefined) throw new AppError('not_found', 'There is no group with this id.');
  const save = saveWithLimits(key.limits, context);
  const created = await createKey(opened, { userId: null, groupId }, key, principal, actorOf(context), save);
  return json({ ...created, limits: givenLimits(key.limits) }, 201);
}

export async function revokeAnyKey(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { principal } = context;
  const opened = await store();
  const id = pathId(context);
  const owner = await ownerOfKey(opened, id);
  const own = groupOf(principal);
  if (owner === undefined || (own !== undefined && owner.groupId !== own)) throw keyNotFound();
  if (own !== undefined && owner.role !== 'member' && owner.userId !== principal.userId)
    throw new AppError('forbidden', 'Only administrators may revoke the keys of administrators and managers.');
  await revokeKey(opened, id, owner, context);
  return noContent();
}

/** A group that a manager does not manage has the same reply as one that does not exist. */
function requireGroup(principal: Principal, groupId: string): void {
  const own = groupOf(principal);
  if (own !== undefined && own !== groupId) throw new AppError('not_found', 'There is no group with this id.');
}

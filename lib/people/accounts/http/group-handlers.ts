import { randomUUID } from 'node:crypto';
import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { revoke } from '#lib/http/open-work';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { groupOf, noContent, pathId } from '#lib/people/accounts/http/admin-scope';
import { recordMemberChange } from '#lib/people/accounts/member-change';
import { readMember } from '#lib/people/accounts/members';
import { changeRole, type PersonChange } from '#lib/people/accounts/role-changes';
import { keysIn, removeLimits, scopesOf } from '#lib/people/accounts/scope-limits';
import { actorOf, recordAudit } from '#lib/people/audit';
import { type PageRequest, pageOf, readPage } from '#lib/people/page-cursor';
import { type Store, store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { groupChangeSchema, newGroupSchema } from '#lib/wire/accounts';
import type { Group, GroupList } from '#lib/wire/people';

/** Handlers of /api/admin/groups. */

const MAX_BODY_BYTES = 4 * KIB;

export async function listGroups(request: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  return json(await groupPage(await store(), readPage(request), groupOf(principal)));
}

export async function readGroup(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const own = groupOf(context.principal);
  const id = pathId(context);
  if (own !== undefined && own !== id) throw groupNotFound();
  return json(await findGroup(await store(), id));
}

export async function createGroup(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { name, manager_id } = parseBody(newGroupSchema, await readJson(request, MAX_BODY_BYTES), ['manager_id']);
  const opened = await store();
  const id = randomUUID();
  await requireFreeName(opened, name, id);
  await opened.write(opened.db.insertInto('groups').values({ id, name, created_at: Date.now() }));
  if (manager_id != null) await appoint(opened, context, id, manager_id);
  recordAudit(opened, actorOf(context), {
    action: 'group.create',
    target: id,
    summary: `made the group "${name}"`,
    changes: { manager: manager_id ?? null },
  });
  return json(await findGroup(opened, id), 201);
}

export async function changeGroup(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { name, manager_id } = parseBody(groupChangeSchema, await readJson(request, MAX_BODY_BYTES), ['manager_id']);
  const opened = await store();
  const before = await findGroup(opened, pathId(context));
  if (name !== undefined && name !== before.name) {
    await requireFreeName(opened, name, before.id);
    await opened.write(opened.db.updateTable('groups').set({ name }).where('id', '=', before.id));
  }
  if (manager_id !== undefined) await replaceManager(opened, context, before, manager_id);
  const after = await findGroup(opened, before.id);
  recordAudit(opened, actorOf(context), {
    action: 'group.change',
    target: after.id,
    summary: `changed the group "${after.name}"`,
    changes: {
      before: { name: before.name, manager: before.manager?.id ?? null },
      after: { name: after.name, manager: after.manager?.id ?? null },
    },
  });
  return json(after);
}

/** Deletes a group with its service keys and invitations. Its people stay, without a group. */
export async function deleteGroup(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const opened = await store();
  const group = await findGroup(opened, pathId(context));
  const keys = await opened.db.selectFrom('access_keys').select('id').where('group_id', '=', group.id).execute();
  const scopes = await scopesOf(opened, 'group', group.id);
  await opened.write(opened.db.deleteFrom('groups').where('id', '=', group.id));
  accountIdentities().forgetGroup(group.id);
  revoke(keys.map(({ id }) => `key:${id}`));
  await removeLimits(scopes, context);
  recordAudit(opened, actorOf(context), {
    action: 'group.delete',
    target: group.id,
    summary: `deleted the group "${group.name}" with ${group.members} people and ${keys.length} service keys`,
    changes: { name: group.name, keys: keysIn(scopes) },
  });
  return noContent();
}

/** The people of a group who manage it: the first by address is shown. */
function groupQuery({ db }: Pick<Store, 'db'>) {
  return db
    .selectFrom('groups')
    .selectAll('groups')
    .select(({ selectFrom, fn }) => [
      selectFrom('users')
        .whereRef('users.groupId', '=', 'groups.id')
        .select(fn.countAll<number>().as('members'))
        .as('members'),
      selectFrom('users')
        .whereRef('users.groupId', '=', 'groups.id')
        .where('users.role', '=', 'manager')
        .orderBy('users.email')
        .limit(1)
        .select('users.id')
        .as('managerId'),
    ]);
}

async function toGroups(opened: Store, rows: readonly GroupRow[]): Promise<Group[]> {
  const ids = rows.flatMap(({ managerId }) => (managerId === null ? [] : [managerId]));
  const managers =
    ids.length === 0 ? [] : await opened.db.selectFrom('users').select(['id', 'name']).where('id', 'in', ids).execute();
  return rows.map(({ id, name, created_at, members, managerId }) => ({
    id,
    name,
    members: Number(members ?? 0),
    manager: managers.find((person) => person.id === managerId) ?? null,
    created_at: new Date(created_at).toISOString(),
  }));
}

type GroupRow = Awaited<ReturnType<ReturnType<typeof groupQuery>['execute']>>[number];

async function groupPage(opened: Store, page: PageRequest, only: string | undefined): Promise<GroupList> {
  let query = groupQuery(opened);
  if (only !== undefined) query = query.where('groups.id', '=', only);
  if (page.after !== undefined) query = query.where('groups.name', '>', page.after[1]);
  const rows = await query
    .orderBy('groups.name')
    .limit(page.limit + 1)
    .execute();
  const { rows: shown, next_cursor } = pageOf(rows, page.limit, ({ name }) => ['', name]);
  return { groups: await toGroups(opened, shown), next_cursor };
}

async function findGroup(opened: Store, id: string): Promise<Group> {
  const row = await groupQuery(opened).where('groups.id', '=', id).executeTakeFirst();
  const [group] = row === undefined ? [] : await toGroups(opened, [row]);
  if (group === undefined) throw groupNotFound();
  return group;
}

async function requireFreeName(opened: Store, name: string, id: string): Promise<void> {
  const other = await opened.db
    .selectFrom('groups')
    .select('id')
    .where('name', '=', name)
    .where('id', '<>', id)
    .executeTakeFirst();
  if (other !== undefined) throw new AppError('conflict', `There is a group "${name}" already. Choose another name.`);
}

/** An administrator who manages a group stays administrator. */
async function appoint(opened: Store, context: RequestContext, groupId: string, userId: string): Promise<void> {
  const person = await opened.db.selectFrom('users').select('role').where('id', '=', userId).executeTakeFirst();
  if (person === undefined)
    throw new AppError('invalid_request', 'manager_id names no person.', {
      details: [{ field: 'manager_id', message: 'names no person' }],
    });
  await changePerson(opened, context, userId, person.role === 'admin' ? { groupId } : { groupId, role: 'manager' });
}

async function replaceManager(
  opened: Store,
  context: RequestContext,
  { id, manager }: Group,
  userId: string | null,
): Promise<void> {
  if (manager?.id === userId) return;
  if (userId !== null) await appoint(opened, context, id, userId);
  if (manager !== null) await changePerson(opened, context, manager.id, { role: 'member' });
}

/** Changes a person as /api/admin/users does, with the same record. */
async function changePerson(
  opened: Store,
  context: RequestContext,
  userId: string,
  change: PersonChange,
): Promise<void> {
  const before = await readMember(opened, userId);
  const withdrawn = await changeRole(opened, userId, change);
  recordMemberChange(opened, actorOf(context), before, await readMember(opened, userId), withdrawn);
}

function groupNotFound(): AppError {
  return new AppError('not_found', 'There is no group with this id.');
}

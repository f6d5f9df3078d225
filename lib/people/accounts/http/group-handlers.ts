import { randomUUID } from 'node:crypto';
import { AppError } from '#lib/errors';
import { actorOf, auditStatement } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { revoke } from '#lib/http/open-work';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { accountIdentities } from '#lib/people/accounts/account-identities';
import { groupOf, noContent, pathId } from '#lib/people/accounts/http/admin-scope';
import { changeMember } from '#lib/people/accounts/member-change';
import {
  applyChange,
  inRoleTransaction,
  type MadeChange,
  type PersonChange,
  runAll,
} from '#lib/people/accounts/role-changes';
import { scopesOf } from '#lib/people/accounts/scope-limits';
import { peopleLimits } from '#lib/people/limits/index';
import { type PageRequest, pageOf, readPage } from '#lib/people/page-cursor';
import { type Store, store } from '#lib/store/store';
import { KIB } from '#lib/units';
import { groupChangeSchema, newGroupSchema } from '#lib/wire/accounts';
import type { Group, GroupList } from '#lib/wire/people';

/** Handlers of /api/admin/groups. */

const MAX_BODY_BYTES = 4 * KIB;

export async function listGroups(request: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const page = readPage(request);
  const search = page.query.get('search')?.slice(0, 200) ?? '';
  return json(await groupPage(await store(), page, { only: groupOf(principal), search }));
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
  const made = await inRoleTransaction(opened, async (queries) => {
    await requireFreeName(queries, name, id);
    await queries.db.insertInto('groups').values({ id, name, created_at: Date.now() }).execute();
    const appointed = manager_id == null ? [] : [await appoint(queries, context, id, manager_id)];
    await auditStatement(queries, actorOf(context), {
      action: 'group.create',
      target: id,
      summary: `made the group "${name}"`,
      changes: { manager: manager_id ?? null },
    }).execute();
    return appointed;
  });
  made.forEach(applyChange);
  return json(await findGroup(opened, id), 201);
}

export async function changeGroup(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { name, manager_id } = parseBody(groupChangeSchema, await readJson(request, MAX_BODY_BYTES), ['manager_id']);
  const opened = await store();
  const id = pathId(context);
  const made = await inRoleTransaction(opened, async (queries) => {
    const before = await findGroup(queries, id);
    if (name !== undefined && name !== before.name) {
      await requireFreeName(queries, name, id);
      await queries.db.updateTable('groups').set({ name }).where('id', '=', id).execute();
    }
    const changes = manager_id === undefined ? [] : await replaceManager(queries, context, before, manager_id);
    const after = await findGroup(queries, id);
    await auditStatement(queries, actorOf(context), {
      action: 'group.change',
      target: id,
      summary: `changed the group "${after.name}"`,
      changes: {
        before: { name: before.name, manager: before.manager?.id ?? null },
        after: { name: after.name, manager: after.manager?.id ?? null },
      },
    }).execute();
    return changes;
  });
  made.forEach(applyChange);
  return json(await findGroup(opened, id));
}

/**
 * Deletes a group with its service keys and invitations. Its people stay, without a group; who has
 * managed it is a member.
 */
export async function deleteGroup(_request: HttpRequest, context: RequestContext): Promise<Reply> {
  const opened = await store();
  const { id } = await findGroup(opened, pathId(context));
  const scopes = await scopesOf(opened, 'group', id);
  const made = await peopleLimits().deleteWith(scopes, context, (statements) =>
    inRoleTransaction(opened, async (queries) => {
      const group = await findGroup(queries, id);
      const managers = await managersOf(queries, id);
      const changes: MadeChange[] = [];
      for (const manager of managers)
        changes.push(await changeMember(queries, actorOf(context), manager, { role: 'member', groupId: null }));
      const keys = await queries.db.selectFrom('access_keys').select('id').where('group_id', '=', id).execute();
      await queries.db.deleteFrom('groups').where('id', '=', id).execute();
      const record = auditStatement(queries, actorOf(context), {
        action: 'group.delete',
        target: id,
        summary: `deleted the group "${group.name}" with ${group.members} people and ${keys.length} service keys`,
        changes: { name: group.name, keys: keys.map((key) => key.id) },
      });
      await runAll(queries, [...statements, record]);
      return { changes, keys };
    }),
  );
  made.changes.forEach(applyChange);
  accountIdentities().forgetGroup(id);
  revoke(made.keys.map((key) => `key:${key.id}`));
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

async function toGroups(opened: Pick<Store, 'db'>, rows: readonly GroupRow[]): Promise<Group[]> {
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

interface GroupFilter {
  readonly only: string | undefined;
  /** Part of the name. */
  readonly search: string;
}

async function groupPage(opened: Store, page: PageRequest, { only, search }: GroupFilter): Promise<GroupList> {
  let query = groupQuery(opened);
  if (search !== '')
    // SQLite folds ASCII alone: with other letters the spelling itself is found.
    query = query.where(({ eb, fn, or }) =>
      or([
        eb(fn('lower', ['groups.name']), 'like', `%${search.toLowerCase()}%`),
        eb('groups.name', 'like', `%${search}%`),
      ]),
    );
  if (only !== undefined) query = query.where('groups.id', '=', only);
  if (page.after !== undefined) query = query.where('groups.name', '>', page.after[1]);
  const rows = await query
    .orderBy('groups.name')
    .limit(page.limit + 1)
    .execute();
  const { rows: shown, next_cursor } = pageOf(rows, page.limit, ({ name }) => ['', name]);
  return { groups: await toGroups(opened, shown), next_cursor };
}

async function findGroup(opened: Pick<Store, 'db'>, id: string): Promise<Group> {
  const row = await groupQuery(opened).where('groups.id', '=', id).executeTakeFirst();
  const [group] = row === undefined ? [] : await toGroups(opened, [row]);
  if (group === undefined) throw groupNotFound();
  return group;
}

async function requireFreeName(opened: Pick<Store, 'db'>, name: string, id: string): Promise<void> {
  const other = await opened.db
    .selectFrom('groups')
    .select('id')
    .where('name', '=', name)
    .where('id', '<>', id)
    .executeTakeFirst();
  if (other !== undefined) throw new AppError('conflict', `There is a group "${name}" already. Choose another name.`);
}

async function managersOf({ db }: Pick<Store, 'db'>, groupId: string): Promise<string[]> {
  const managers = db.selectFrom('users').select('id').where('groupId', '=', groupId).where('role', '=', 'manager');
  return (await managers.execute()).map(({ id }) => id);
}

/** An administrator who manages a group stays administrator. Throws `invalid_request`. */
async function appoint(
  queries: Pick<Store, 'db'>,
  context: RequestContext,
  groupId: string,
  userId: string,
): Promise<MadeChange> {
  const person = await queries.db.selectFrom('users').select('role').where('id', '=', userId).executeTakeFirst();
  if (person === undefined)
    throw new AppError('invalid_request', 'manager_id names no person.', {
      details: [{ field: 'manager_id', message: 'names no person' }],
    });
  const change: PersonChange = person.role === 'admin' ? { groupId } : { groupId, role: 'manager' };
  return await changeMember(queries, actorOf(context), userId, change);
}

async function replaceManager(
  queries: Pick<Store, 'db'>,
  context: RequestContext,
  { id, manager }: Group,
  userId: string | null,
): Promise<MadeChange[]> {
  if (manager?.id === userId) return [];
  const made: MadeChange[] = [];
  if (userId !== null) made.push(await appoint(queries, context, id, userId));
  if (manager !== null) made.push(await changeMember(queries, actorOf(context), manager.id, { role: 'member' }));
  return made;
}

function groupNotFound(): AppError {
  return new AppError('not_found', 'There is no group with this id.');
}

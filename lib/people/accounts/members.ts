import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import { AppError } from '#lib/errors';
import type { Role } from '#lib/http/principal';
import { roleOf } from '#lib/people/accounts/identity-loader';
import { type PageRequest, pageOf } from '#lib/people/page-cursor';
import type { Database, Store } from '#lib/store/store';
import type { GroupName, Member, MemberList } from '#lib/wire/people';

/** People as administrators see them. */

function memberQuery({ db }: Pick<Store, 'db'>) {
  return db
    .selectFrom('users')
    .leftJoin('groups', 'groups.id', 'users.groupId')
    .select(['users.id', 'users.name', 'users.email', 'users.role', 'users.banned', 'users.twoFactorEnabled'])
    .select(['users.createdAt', 'users.lastSeenAt', 'users.groupId', 'groups.name as groupName']);
}

type MemberRow = Awaited<ReturnType<ReturnType<typeof memberQuery>['execute']>>[number];

function toMember(row: MemberRow): Member {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    role: roleOf(row.role),
    group: groupName(row.groupId, row.groupName),
    disabled: Boolean(row.banned),
    two_factor: Boolean(row.twoFactorEnabled),
    created_at: new Date(row.createdAt).toISOString(),
    last_seen_at: row.lastSeenAt === null ? null : new Date(row.lastSeenAt).toISOString(),
  };
}

export function groupName(id: string | null, name: string | null): GroupName | null {
  return id === null || name === null ? null : { id, name };
}

/** Throws `not_found`. */
export async function readMember(store: Pick<Store, 'db'>, id: string): Promise<Member> {
  const row = await memberQuery(store).where('users.id', '=', id).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'There is no person with this id.');
  return toMember(row);
}

interface MemberFilter {
  /** Only people of this group. */
  readonly groupId?: string | undefined;
  readonly role?: Role | undefined;
  /** Part of a name or an address. */
  readonly search?: string | undefined;
}

function matches({ groupId, role, search }: MemberFilter) {
  return ({ eb, fn, and, or }: ExpressionBuilder<Pick<Database, 'users'>, 'users'>) => {
    const all: Expression<SqlBool>[] = [];
    if (groupId !== undefined) all.push(eb('users.groupId', '=', groupId));
    // Anything else than a role is that of a member: see `roleOf`.
    if (role === 'member')
      all.push(or([eb('users.role', 'is', null), eb('users.role', 'not in', ['admin', 'manager'])]));
    else if (role !== undefined) all.push(eb('users.role', '=', role));
    if (search !== undefined && search !== '') {
      const pattern = `%${search.toLowerCase()}%`;
      // SQLite folds ASCII alone: with other letters the spelling itself is found.
      const isNamed = or([eb(fn('lower', ['users.name']), 'like', pattern), eb('users.name', 'like', `%${search}%`)]);
      all.push(or([isNamed, eb('users.email', 'like', pattern)]));
    }
    return and(all);
  };
}

/** People by their addresses. */
export async function listMembers(store: Store, page: PageRequest, filter: MemberFilter): Promise<MemberList> {
  let query = memberQuery(store).where(matches(filter));
  const count = store.db
    .selectFrom('users')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .where(matches(filter));
  if (page.after !== undefined) query = query.where('users.email', '>', page.after[1]);
  const rows = await store.report<MemberRow>(
    query
      .orderBy('users.email')
      .limit(page.limit + 1)
      .compile(),
  );
  const { total } = await count.executeTakeFirstOrThrow();
  const { rows: shown, next_cursor } = pageOf(rows, page.limit, ({ email }) => ['', email]);
  return { users: shown.map(toMember), next_cursor, total: Number(total) };
}

import { type ColumnDataType, type CreateTableBuilder, type Kysely, PostgresAdapter, sql } from 'kysely';

/**
 * Tables of accounts. The first five have the columns and indexes that better-auth's generator
 * makes for its plugins `admin` and `two-factor`; a test compares them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const time = db.getExecutor().adapter instanceof PostgresAdapter ? 'timestamptz' : 'date';
  const flag = db.getExecutor().adapter instanceof PostgresAdapter ? 'boolean' : 'integer';
  await createGroups(db);
  await createPeople(db, time, flag);
  await createJoining(db);
  await createKeys(db);
}

async function createGroups(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('groups')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
}

async function createPeople(db: Kysely<unknown>, time: ColumnDataType, flag: ColumnDataType): Promise<void> {
  await withTimes(
    db.schema.createTable('users').addColumn('id', 'text', (column) => column.primaryKey().notNull()),
    time,
  )
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('email', 'text', (column) => column.notNull().unique())
    .addColumn('emailVerified', flag, (column) => column.notNull())
    .addColumn('image', 'text')
    .addColumn('role', 'text')
    .addColumn('banned', flag)
    .addColumn('banReason', 'text')
    .addColumn('banExpires', time)
    .addColumn('twoFactorEnabled', flag)
    .addColumn('groupId', 'text', (column) => column.references('groups.id').onDelete('set null'))
    .addColumn('lastSeenAt', 'bigint')
    .execute();
  await db.schema.createIndex('users_groupId_idx').on('users').column('groupId').execute();

  await withTimes(ownedTable(db, 'user_sessions'), time)
    .addColumn('expiresAt', time, (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull().unique())
    .addColumn('ipAddress', 'text')
    .addColumn('userAgent', 'text')
    .addColumn('impersonatedBy', 'text')
    .execute();
  await db.schema.createIndex('user_sessions_userId_idx').on('user_sessions').column('userId').execute();

  await withTimes(ownedTable(db, 'credentials'), time)
    .addColumn('accountId', 'text', (column) => column.notNull())
    .addColumn('providerId', 'text', (column) => column.notNull())
    .addColumn('accessToken', 'text')
    .addColumn('refreshToken', 'text')
    .addColumn('idToken', 'text')
    .addColumn('accessTokenExpiresAt', time)
    .addColumn('refreshTokenExpiresAt', time)
    .addColumn('scope', 'text')
    .addColumn('password', 'text')
    .execute();
  await db.schema.createIndex('credentials_userId_idx').on('credentials').column('userId').execute();
  // Two sign-ins of one new person at the same time make one account.
  await db.schema
    .createIndex('credentials_account')
    .on('credentials')
    .columns(['providerId', 'accountId'])
    .unique()
    .execute();

  await withTimes(
    db.schema.createTable('verifications').addColumn('id', 'text', (column) => column.primaryKey().notNull()),
    time,
  )
    .addColumn('identifier', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('expiresAt', time, (column) => column.notNull())
    .execute();
  await db.schema.createIndex('verifications_identifier_idx').on('verifications').column('identifier').execute();

  await ownedTable(db, 'two_factors')
    .addColumn('secret', 'text', (column) => column.notNull())
    .addColumn('backupCodes', 'text', (column) => column.notNull())
    .addColumn('verified', flag)
    .addColumn('failedVerificationCount', 'integer')
    .addColumn('lockedUntil', time)
    .execute();
  await db.schema.createIndex('two_factors_secret_idx').on('two_factors').column('secret').execute();
  await db.schema.createIndex('two_factors_userId_idx').on('two_factors').column('userId').execute();
}

async function createJoining(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('invitations')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('token_hash', 'text', (column) => column.notNull().unique())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('group_id', 'text', (column) => column.references('groups.id').onDelete('cascade'))
    .addColumn('email', 'text')
    .addColumn('note', 'text')
    .addColumn('max_uses', 'integer', (column) => column.notNull())
    .addColumn('uses', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text')
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('invitations_expires_at').on('invitations').column('expires_at').execute();
  await db.schema
    .createTable('set_up')
    .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('token_hash', 'text', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .execute();
  await db.schema
    .createTable('server_secrets')
    .addColumn('name', 'text', (column) => column.primaryKey().notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  // No secret: the row that changes of administrators lock, so that they run one by one.
  await sql`insert into server_secrets (name, value, created_at) values ('administrators', '', 0)`.execute(db);
}

async function createKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('access_keys')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('prefix', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text', (column) => column.references('users.id').onDelete('cascade'))
    .addColumn('group_id', 'text', (column) => column.references('groups.id').onDelete('cascade'))
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('models', 'text')
    .addColumn('trust_end_user', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text')
    .addColumn('expires_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .execute();
  await db.schema.createIndex('access_keys_user').on('access_keys').column('user_id').execute();
  await db.schema.createIndex('access_keys_group').on('access_keys').column('group_id').execute();
}

/** A table whose rows are deleted with their person. */
function ownedTable<Table extends string>(db: Kysely<unknown>, name: Table) {
  return db.schema
    .createTable(name)
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('userId', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'));
}

function withTimes<Table extends string, Column extends string>(
  table: CreateTableBuilder<Table, Column>,
  time: ColumnDataType,
) {
  return table
    .addColumn('createdAt', time, (column) => column.notNull())
    .addColumn('updatedAt', time, (column) => column.notNull());
}

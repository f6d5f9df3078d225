import type { ColumnType } from 'kysely';

/**
 * Tables of accounts. Those of better-auth have its columns: times are `timestamptz` on Postgres
 * and ISO 8601 text on SQLite, booleans `boolean` and 0 or 1. Both engines take ISO text and 0 or
 * 1 as input, and `new Date(…)` and `Boolean(…)` read both.
 */
type LibraryTime = ColumnType<Date | string, string, string>;
type LibraryTimeOrNull = ColumnType<Date | string | null, string | null | undefined, string | null>;
type LibraryFlag = ColumnType<boolean | number | null, number | null | undefined, number | null>;

export interface UsersTable {
  id: string;
  name: string;
  /** In lower case. */
  email: string;
  emailVerified: ColumnType<boolean | number, number, number>;
  image: string | null;
  createdAt: LibraryTime;
  updatedAt: LibraryTime;
  /** `admin`, `manager` or `member`. */
  role: string | null;
  /** Whether it is disabled. */
  banned: LibraryFlag;
  banReason: string | null;
  banExpires: LibraryTimeOrNull;
  twoFactorEnabled: LibraryFlag;
  groupId: string | null;
  /** Milliseconds since 1970; not a column of better-auth. */
  lastSeenAt: ColumnType<number | null, number | null | undefined, number | null>;
}

export interface UserSessionsTable {
  id: string;
  expiresAt: LibraryTime;
  token: string;
  createdAt: LibraryTime;
  updatedAt: LibraryTime;
  ipAddress: string | null;
  userAgent: string | null;
  userId: string;
  impersonatedBy: string | null;
}

/** Ways to sign in: a password (`credential`), or an account of the provider (`oidc`). */
export interface CredentialsTable {
  id: string;
  accountId: string;
  providerId: string;
  userId: string;
  accessToken: string | null;
  refreshToken: string | null;
  idToken: string | null;
  accessTokenExpiresAt: LibraryTimeOrNull;
  refreshTokenExpiresAt: LibraryTimeOrNull;
  scope: string | null;
  /** Hash by scrypt. */
  password: string | null;
  createdAt: LibraryTime;
  updatedAt: LibraryTime;
}

/** Values with an expiry: states of OIDC, second factors that are pending, reset links. */
export interface VerificationsTable {
  id: string;
  /** Hash. */
  identifier: string;
  value: string;
  expiresAt: LibraryTime;
  createdAt: LibraryTime;
  updatedAt: LibraryTime;
  /**
   * Id of the person who made a reset link; null for a key of the settings. Not a column of
   * better-auth.
   */
  made_by: ColumnType<string | null, string | null | undefined, string | null>;
}

export interface TwoFactorsTable {
  id: string;
  /** Encrypted. */
  secret: string;
  /** Encrypted. */
  backupCodes: string;
  userId: string;
  verified: LibraryFlag;
  failedVerificationCount: number | null;
  lockedUntil: LibraryTimeOrNull;
}

/** A class, a lab. */
export interface GroupsTable {
  id: string;
  name: string;
  created_at: number;
}

export interface InvitationsTable {
  id: string;
  /** SHA-256 in base64url. */
  token_hash: string;
  role: string;
  group_id: string | null;
  /** In lower case: only this address may use it. */
  email: string | null;
  note: string | null;
  max_uses: number;
  uses: number;
  created_at: number;
  /** Id of the person, null for a key of the settings. */
  created_by: string | null;
  expires_at: number;
}

/** A use of an invitation that was counted, and whose account is being made. */
export interface InvitationClaimsTable {
  id: string;
  invitation_id: string;
  /** In lower case: whose account. */
  email: string;
  claimed_at: number;
}

/** Keys that begin with `cs_`. */
export interface AccessKeysTable {
  id: string;
  /** SHA-256 in base64url. */
  hash: string;
  name: string;
  /** The first characters. */
  prefix: string;
  /** The owner. Null for a service key of a group. */
  user_id: string | null;
  group_id: string | null;
  /** JSON. */
  scopes: string;
  /** JSON; null is all models. */
  models: string | null;
  trust_end_user: number;
  created_at: number;
  created_by: string | null;
  expires_at: number | null;
  last_used_at: number | null;
}

/** One row, `id` 1: the request that makes the first administrator holds it. */
export interface SetUpTable {
  id: number;
  /** Of the link that holds it, or held it last. */
  token_hash: string;
  used_at: number | null;
}

/** The set-up links of starts without an administrator. */
export interface SetUpLinksTable {
  /** SHA-256 in base64url. */
  token_hash: string;
  made_at: number;
}

/** Secrets that are made at the first start. */
export interface ServerSecretsTable {
  name: string;
  value: string;
  created_at: number;
}

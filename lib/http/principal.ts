import { AppError } from '#lib/errors';

/** Roles in order of their rights. A manager's rights end at its own group. */
export const ROLES = ['admin', 'manager', 'member'] as const;
export type Role = (typeof ROLES)[number];

/** What a key may be limited to. `admin` is the administration that its owner's role allows. */
export const SCOPES = ['chat', 'code', 'gateway', 'stats', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** The highest value of `priority` in a chat request. */
export const MAX_PRIORITY = 10;
/** A caller without the right to more. */
export const DEFAULT_MAX_PRIORITY = 0;

/** A caller of this server, and what it may do. Immutable, and shared by its requests. */
export interface Principal {
  /**
   * The name for fairness, limits and ownership: `key:<id>`, `user:<id>`, an address without
   * authentication, or `key:<id>/<user>` for an end user of a key.
   */
  readonly caller: string;
  readonly role: Role;
  readonly scopes: ReadonlySet<Scope>;
  readonly userId?: string;
  /** The key that authenticated it. Absent for a person's session. */
  readonly keyId?: string;
  /** SHA-256 of the token of the person's session that authenticated it. */
  readonly session?: string;
  readonly groupId?: string;
  readonly groupName?: string;
  readonly name?: string;
  readonly email?: string;
  /** Models that it may use; all if absent. */
  readonly models?: ReadonlySet<string>;
  readonly maxPriority: number;
  /** Whether the end user that a request names is a separate caller, below this one. */
  readonly trustsEndUser?: boolean;
}

const ALL_SCOPES: ReadonlySet<Scope> = new Set(SCOPES);
const MEMBER_SCOPES: ReadonlySet<Scope> = new Set<Scope>(['chat', 'code', 'gateway', 'stats']);
const NO_SCOPES: ReadonlySet<Scope> = new Set();

/** The scopes of a person's session. A key has these at most. */
export function scopesOf(role: Role): ReadonlySet<Scope> {
  return role === 'member' ? MEMBER_SCOPES : ALL_SCOPES;
}

/** The highest priority of a role, unless a key has its own. */
export function maxPriorityOf(role: Role): number {
  return role === 'member' ? DEFAULT_MAX_PRIORITY : MAX_PRIORITY;
}

/** A caller with all rights, where nothing is configured, and for a key of `API_KEYS`. */
export function administrator(caller: string, more: Partial<Principal> = {}): Principal {
  return { caller, role: 'admin', scopes: ALL_SCOPES, maxPriority: MAX_PRIORITY, ...more };
}

/** A person without the rights of administration. */
export function member(caller: string, more: Partial<Principal> = {}): Principal {
  return { caller, role: 'member', scopes: MEMBER_SCOPES, maxPriority: DEFAULT_MAX_PRIORITY, ...more };
}

/** A caller that was not authenticated, for routes that are open. */
export function anonymous(caller: string): Principal {
  return { caller, role: 'member', scopes: NO_SCOPES, maxPriority: DEFAULT_MAX_PRIORITY };
}

/**
 * The caller that owns what `caller` sends: of an end user the key. Other names have no end user;
 * that of a subnet may contain a slash.
 */
export function ownerOf(caller: string): string {
  const end = caller.startsWith('key:') ? caller.indexOf('/') : -1;
  return end === -1 ? caller : caller.slice(0, end);
}

/** Whether `caller` may read what `owner` has sent: it is the owner, or the key of the owner. */
export function isOwnedBy(owner: string, caller: string): boolean {
  return owner === caller || ownerOf(owner) === caller;
}

/** Who may call a method of a route. */
export type Right =
  /** Any client, without authentication. */
  | 'open'
  /** Any caller that is authenticated. */
  | 'signed-in'
  /** A person, not through a key: what a person does with its own account. */
  | 'account'
  | 'chat'
  | 'code'
  | 'gateway'
  | 'stats'
  /** Lists of models, and the queue: for chat and for statistics. */
  | 'models-read'
  | 'queue-read'
  /** Loads a model in advance. */
  | 'warm'
  /** Clears the caches, which all callers share. */
  | 'cache-admin'
  /** Pulls, makes, copies, pushes, deletes and unloads models. */
  | 'manage'
  /** Administration of a group by its manager, and of all groups by administrators. */
  | 'group-admin'
  | 'admin';

interface Rule {
  /** One of them is enough. */
  readonly scopes?: readonly Scope[];
  readonly roles?: readonly Role[];
  readonly needsPerson?: boolean;
}

const ADMINISTRATORS: Rule = { scopes: ['admin'], roles: ['admin'] };
const GROUP_ADMINISTRATORS: Rule = { scopes: ['admin'], roles: ['admin', 'manager'] };

const RULES: Readonly<Record<Right, Rule>> = {
  open: {},
  'signed-in': {},
  account: { needsPerson: true },
  chat: { scopes: ['chat'] },
  code: { scopes: ['code'] },
  gateway: { scopes: ['gateway'] },
  stats: { scopes: ['stats'] },
  'models-read': { scopes: ['chat', 'stats'] },
  'queue-read': { scopes: ['chat', 'stats'] },
  warm: GROUP_ADMINISTRATORS,
  'cache-admin': ADMINISTRATORS,
  manage: ADMINISTRATORS,
  'group-admin': GROUP_ADMINISTRATORS,
  admin: ADMINISTRATORS,
};

/** Whether an authenticated principal has a right. */
export function hasRight(principal: Principal, right: Right): boolean {
  const { scopes, roles, needsPerson } = RULES[right];
  if (roles !== undefined && !roles.includes(principal.role)) return false;
  if (needsPerson === true && (principal.userId === undefined || principal.keyId !== undefined)) return false;
  if (scopes === undefined) return true;
  for (const scope of scopes) if (principal.scopes.has(scope)) return true;
  return false;
}

/** Throws `forbidden`, with what is missing, unless an authenticated principal has the right. */
export function requireRight(principal: Principal, right: Right): void {
  if (hasRight(principal, right)) return;
  const { scopes = [], roles, needsPerson } = RULES[right];
  if (roles !== undefined && !roles.includes(principal.role)) {
    const who = roles.includes('manager') ? 'Only administrators and managers' : 'Only administrators';
    throw new AppError('forbidden', `${who} may do this. Ask one of them.`);
  }
  if (needsPerson === true)
    throw new AppError('forbidden', 'This is for a signed-in person. Sign in instead of sending a key.');
  const own = [...principal.scopes].join(', ') || 'none';
  throw new AppError(
    'forbidden',
    `This key may not do this: it needs the scope ${scopes.join(' or ')}, and has ${own}. Use a key with that scope.`,
  );
}

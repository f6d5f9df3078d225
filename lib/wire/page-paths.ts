/** Who may open a page: any client, any authenticated caller, or one with more rights. */
export type PageRight = 'open' | 'signed-in' | 'stats' | 'group-admin' | 'admin';

/** Paths of all pages, and who may open them; a test compares the paths with the files. */
export const PAGE_RIGHTS: ReadonlyMap<string, PageRight> = new Map<string, PageRight>([
  ['/', 'signed-in'],
  ['/playground', 'signed-in'],
  ['/dashboard', 'signed-in'],
  ['/gateway', 'signed-in'],
  ['/docs/api', 'signed-in'],
  ['/sign-in', 'open'],
  ['/setup', 'open'],
  ['/join', 'open'],
  ['/reset-password', 'open'],
  ['/account', 'signed-in'],
  ['/admin', 'group-admin'],
  ['/admin/people', 'group-admin'],
  ['/admin/invitations', 'group-admin'],
  ['/admin/groups', 'group-admin'],
  ['/admin/keys', 'group-admin'],
  ['/admin/limits', 'group-admin'],
  ['/admin/usage', 'group-admin'],
  ['/admin/models', 'admin'],
  ['/admin/settings', 'admin'],
  ['/admin/audit', 'admin'],
]);

export const PAGE_PATHS: ReadonlySet<string> = new Set(PAGE_RIGHTS.keys());

/** Who may open a page: any client, any authenticated caller, or one with more rights. */
export type PageRight = 'open' | 'signed-in' | 'stats' | 'group-admin' | 'admin';

/**
 * Paths of all pages, and who may open them; a test compares the paths with the files. The pages of
 * the administration hold no data, and say who may see it; their API has the rights.
 */
export const PAGE_RIGHTS: ReadonlyMap<string, PageRight> = new Map<string, PageRight>([
  ['/', 'signed-in'],
  ['/playground', 'signed-in'],
  ['/dashboard', 'signed-in'],
  ['/gateway', 'signed-in'],
  ['/docs/api', 'signed-in'],
  ['/sign-in', 'open'],
  ['/setup', 'open'],
  ['/join', 'open'],
  ['/forgot-password', 'open'],
  ['/reset-password', 'open'],
  ['/account', 'signed-in'],
  ['/admin', 'signed-in'],
  ['/admin/people', 'signed-in'],
  ['/admin/invitations', 'signed-in'],
  ['/admin/groups', 'signed-in'],
  ['/admin/keys', 'signed-in'],
  ['/admin/limits', 'signed-in'],
  ['/admin/usage', 'signed-in'],
  ['/admin/models', 'signed-in'],
  ['/admin/settings', 'signed-in'],
  ['/admin/audit', 'signed-in'],
]);

export const PAGE_PATHS: ReadonlySet<string> = new Set(PAGE_RIGHTS.keys());

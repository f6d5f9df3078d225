import { ADMIN_STRINGS } from './strings/frame.ts';

interface AdminSection {
  path: string;
  label: string;
  /** Only with accounts. */
  needsAccounts: boolean;
  /** A manager sees it for the own group. */
  isForManagers: boolean;
}

/** The sections of the administration in their order. */
export const SECTIONS: readonly AdminSection[] = [
  { path: '/admin/people', label: ADMIN_STRINGS.people, needsAccounts: true, isForManagers: true },
  { path: '/admin/invitations', label: ADMIN_STRINGS.invitations, needsAccounts: true, isForManagers: true },
  { path: '/admin/groups', label: ADMIN_STRINGS.groups, needsAccounts: true, isForManagers: true },
  { path: '/admin/keys', label: ADMIN_STRINGS.keys, needsAccounts: true, isForManagers: true },
  { path: '/admin/limits', label: ADMIN_STRINGS.limits, needsAccounts: false, isForManagers: true },
  { path: '/admin/usage', label: ADMIN_STRINGS.usage, needsAccounts: false, isForManagers: true },
  { path: '/admin/models', label: ADMIN_STRINGS.models, needsAccounts: false, isForManagers: false },
  { path: '/admin/settings', label: ADMIN_STRINGS.settings, needsAccounts: false, isForManagers: false },
  { path: '/admin/audit', label: ADMIN_STRINGS.audit, needsAccounts: false, isForManagers: false },
];

interface Viewer {
  role: 'admin' | 'manager' | 'member';
  hasAccounts: boolean;
}

/** The sections that someone sees. */
export function sectionsFor({ role, hasAccounts }: Viewer): readonly AdminSection[] {
  if (role === 'member') return [];
  return SECTIONS.filter(
    ({ needsAccounts, isForManagers }) => (hasAccounts || !needsAccounts) && (role === 'admin' || isForManagers),
  );
}

import type { AuditKind } from '#lib/wire/people';
import { PATHS } from './admin-api.ts';

/** What the audit log is limited to; an empty text is no limit. */
export interface AuditSearch {
  kind: AuditKind | '';
  who: string;
  /** `2026-11-29`. */
  from: string;
  to: string;
}

export const NO_FILTER: AuditSearch = { kind: '', who: '', from: '', to: '' };

export function isFiltered(filter: AuditSearch): boolean {
  return Object.values(filter).some((value) => value.trim() !== '');
}

/** The address of the list with its filter. */
export function auditPath({ kind, who, from, to }: AuditSearch): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ action: kind, who: who.trim(), from, to }))
    if (value !== '') query.set(name, value);
  return query.size === 0 ? PATHS.audit : `${PATHS.audit}?${query}`;
}

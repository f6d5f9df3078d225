import { formatCount } from '#lib/browser/format';
import type { AuditChange } from '#lib/wire/people';
import { CHANGE_STRINGS as STRINGS } from './change-strings.ts';
import { PEOPLE_STRINGS } from './strings.ts';

/** A change of the audit log in words. */
export interface ChangeWords {
  label: string;
  before: string;
  after: string;
  /** Too long for one line: prompts and other texts. */
  isLong: boolean;
}

const LINE_CHARS = 80;

export function changeWords({ field, before, after }: AuditChange): ChangeWords {
  // What is on or off may not have been set before.
  const isSwitch = typeof before === 'boolean' || typeof after === 'boolean';
  const words = (value: AuditChange['before']) => valueWords(field, isSwitch ? (value ?? false) : value);
  const texts = { before: words(before), after: words(after) };
  const isLong = [texts.before, texts.after].some((text) => text.length > LINE_CHARS || text.includes('\n'));
  return { label: STRINGS.label(field), ...texts, isLong };
}

function valueWords(field: string, value: AuditChange['before']): string {
  if (value === null || value === '') return STRINGS.none;
  if (typeof value === 'boolean') return value ? STRINGS.yes : STRINGS.no;
  if (typeof value === 'number') return Number.isInteger(value) ? formatCount(value) : String(value);
  if (field === 'role' && (value === 'admin' || value === 'manager' || value === 'member'))
    return PEOPLE_STRINGS.role(value);
  return field.endsWith('.kind') ? STRINGS.kind(value) : value;
}

import { expect, it } from 'vitest';
import { auditPath, isFiltered, NO_FILTER } from './audit-path.ts';

it('asks for everything without a filter', () => {
  expect(auditPath(NO_FILTER)).toMatch(/\/api\/admin\/audit$/);
  expect(isFiltered({ ...NO_FILTER, who: '  ' })).toBe(false);
});

it('asks for what the filter names', () => {
  const filter = { kind: 'limits', who: ' Ada & Bo ', from: '2026-11-01', to: '' } as const;
  expect(isFiltered(filter)).toBe(true);
  expect(auditPath(filter)).toMatch(/\/api\/admin\/audit\?action=limits&who=Ada\+%26\+Bo&from=2026-11-01$/);
});

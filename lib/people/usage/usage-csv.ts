import {
  isNamedUsageGroup,
  USAGE_FIGURES,
  type UsageGroup,
  type UsageReport,
  type UsageReportRow,
} from '#lib/wire/usage';

/**
 * Lines of a report as CSV, each with its end. https://www.rfc-editor.org/rfc/rfc4180
 */
export function* usageCsv({ group_by, rows }: UsageReport): Generator<string> {
  const columns = [...group_by.flatMap(columnsOf), ...USAGE_FIGURES];
  yield line(columns);
  for (const row of rows) yield line(columns.map((column) => cell(row[column] ?? '')));
}

function columnsOf(group: UsageGroup): (keyof UsageReportRow)[] {
  return isNamedUsageGroup(group) ? [group, `${group}_name`] : [group];
}

function line(cells: readonly string[]): string {
  return `${cells.join(',')}\r\n`;
}

/**
 * A spreadsheet runs a text that begins with one of these characters as a formula. The apostrophe
 * makes it a text there. https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /^[=+\-@\t\r\n]/;

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

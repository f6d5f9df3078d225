import { DataTable, numeric, type RowData, text } from '#components/ui/data-table';
import { formatCount, formatDuration, formatPercent } from '#lib/browser/format';
import type { UsageFigures, UsageReportRow } from '#lib/wire/usage';
import { PEOPLE_STRINGS } from './strings.ts';
import { formatShort, generatedTokens, rowName, type ShownGroup } from './usage-figures.ts';

const { usage: STRINGS } = PEOPLE_STRINGS;
/** More rows are in the CSV. */
const MOST_ROWS = 500;

/** The figures of the whole period. */
export function UsageTiles({ total }: { total: UsageFigures }) {
  const used = generatedTokens(total);
  const all = used + total.tokens_saved;
  return (
    <div className="grid grid-cols-2 gap-3 xl:grid-cols-4">
      <Tile title={STRINGS.requests} value={formatCount(total.requests)}>
        {STRINGS.failedRequests(formatCount(total.errors))}
      </Tile>
      <Tile title={STRINGS.usedTokens} value={formatShort(used)}>
        {STRINGS.allTokens(formatShort(total.prompt_tokens), formatShort(total.completion_tokens))}
      </Tile>
      <Tile title={STRINGS.tokensSaved} value={formatShort(total.tokens_saved)}>
        {STRINGS.savedShare(all === 0 ? '0%' : formatPercent(total.tokens_saved / all))}
      </Tile>
      <Tile title={STRINGS.codeCpu} value={formatDuration(total.code_cpu_ms)}>
        {STRINGS.codeRunsUnit(formatCount(total.code_runs))}
      </Tile>
    </div>
  );
}

function Tile({ title, value, children }: { title: string; value: string; children: string }) {
  return (
    <div className="min-w-0 rounded-lg border bg-surface p-4">
      <p className="text-ink-2 text-sm">{title}</p>
      <p className="mt-1 font-semibold text-2xl tracking-tight tabular">{value}</p>
      <p className="mt-1 text-ink-2 text-xs tabular">{children}</p>
    </div>
  );
}

const COLUMNS = [
  STRINGS.requests,
  STRINGS.cached,
  STRINGS.joined,
  STRINGS.promptTokens,
  STRINGS.completionTokens,
  STRINGS.tokensSaved,
  STRINGS.generation,
  STRINGS.queue,
  STRINGS.errors,
  STRINGS.codeRuns,
  STRINGS.codeCpu,
];

interface UsageTableProps {
  rows: readonly UsageReportRow[];
  groups: readonly ShownGroup[];
}

/** One row for each day, model, key, person or group, or for each pair of two of them. */
export function UsageTable({ rows, groups }: UsageTableProps) {
  const names = groups.map((group) => STRINGS.groups[group]);
  return (
    <DataTable
      wide
      framed
      title={STRINGS.caption(names)}
      columns={[...names.map(text), ...COLUMNS.map(numeric)]}
      rows={rows.slice(0, MOST_ROWS).map((row) => tableRow(row, groups))}
      empty={STRINGS.empty}
    />
  );
}

function tableRow(row: UsageReportRow, groups: readonly ShownGroup[]): RowData {
  return {
    key: groups.map((group) => row[group] ?? '').join('\n'),
    cells: [
      ...groups.map((group) => {
        const name = rowName(row, group);
        return (
          <span key={group} className="block max-w-56 truncate" title={name}>
            {name}
          </span>
        );
      }),
      formatCount(row.requests),
      formatCount(row.cached),
      formatCount(row.joined),
      formatCount(row.prompt_tokens),
      formatCount(row.completion_tokens),
      formatCount(row.tokens_saved),
      formatDuration(row.generation_ms),
      formatDuration(row.queue_ms),
      formatCount(row.errors),
      formatCount(row.code_runs),
      formatDuration(row.code_cpu_ms),
    ],
  };
}

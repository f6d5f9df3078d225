import { AppError } from '#lib/errors';
import { actorOf, recordAudit } from '#lib/http/audit';
import type { HttpRequest } from '#lib/http/http-request';
import type { Principal } from '#lib/http/principal';
import { JSON_HEADERS, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { textStream } from '#lib/http/text-stream';
import { usageCsv } from '#lib/people/usage/usage-csv';
import { reportDays, type UsageFilter } from '#lib/people/usage/usage-question';
import { reportUsage, today } from '#lib/people/usage/usage-service';
import { LOCAL_KEY } from '#lib/people/usage/usage-totals';
import { store } from '#lib/store/store';
import { adminUsageQuerySchema, ownUsageQuerySchema, type UsageReport } from '#lib/wire/usage';

/**
 * GET /api/usage: the caller's own, or that of one of its keys. A person's usage is that of its
 * sessions and its keys.
 */
export async function handleOwnUsage(request: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const { group_by: groupBy, key, ...dates } = parsed(ownUsageQuerySchema, request);
  const report = await reportUsage({ ...reportDays(dates, today()), groupBy, filter: ownUsage(principal, key) });
  return jsonReport(report);
}

/** GET /api/admin/usage: everyone's; for a manager that of its group. */
export async function handleAdminUsage(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { principal } = context;
  const { from, to, group_by: groupBy, format, user, key, model, group } = parsed(adminUsageQuerySchema, request);
  const filter: UsageFilter = {
    ...(user === undefined ? {} : { user }),
    ...(key === undefined ? {} : { key }),
    ...(model === undefined ? {} : { model }),
    ...groupFilter(principal, group),
  };
  const report = await reportUsage({ ...reportDays({ from, to }, today()), groupBy, filter });
  if (format === 'json') return jsonReport(report);
  const opened = await store();
  recordAudit(opened, actorOf(context), {
    action: 'usage.export',
    summary: `downloaded the usage of ${report.from} to ${report.to} by ${groupBy.join(', ')}`,
    changes: { filter },
  });
  return csvReport(report);
}

/**
 * The key of another person has no usage of this one, as one that does not exist: that of a revoked
 * key is still shown. A caller that is one key sees no other.
 */
function ownUsage({ userId, keyId }: Principal, key: string | undefined): UsageFilter {
  if (userId !== undefined) return { user: userId, ...(key === undefined ? {} : { key }) };
  const own = keyId ?? LOCAL_KEY;
  if (key !== undefined && key !== own)
    throw new AppError('forbidden', 'You may see the usage of your own keys. Leave key out.');
  return { user: '', key: own };
}

/** A manager without a group has nothing to see. */
function groupFilter({ role, groupId }: Principal, group: string | undefined): UsageFilter {
  if (role === 'admin') return group === undefined ? {} : { group };
  if (groupId === undefined) throw new AppError('forbidden', 'You manage no group. Ask an administrator.');
  if (group !== undefined && group !== groupId)
    throw new AppError('forbidden', 'You may see the usage of your own group. Leave group out.');
  return { group: groupId };
}

function parsed<Schema extends typeof ownUsageQuerySchema | typeof adminUsageQuerySchema>(
  schema: Schema,
  request: HttpRequest,
): NonNullable<ReturnType<Schema['safeParse']>['data']> {
  const { success, data, error } = schema.safeParse(Object.fromEntries(new URL(request.url).searchParams));
  if (!success) throw AppError.fromZod(error);
  return data;
}

function jsonReport({ rows, ...report }: UsageReport): Reply {
  return { status: 200, headers: { ...JSON_HEADERS }, body: textStream(jsonLines(report, rows)) };
}

function* jsonLines(report: Omit<UsageReport, 'rows'>, rows: UsageReport['rows']): Generator<string> {
  yield `${JSON.stringify(report).slice(0, -1)},"rows":[`;
  for (const [index, row] of rows.entries()) yield `${index === 0 ? '' : ','}${JSON.stringify(row)}`;
  yield ']}';
}

function csvReport(report: UsageReport): Reply {
  const headers = {
    'content-type': 'text/csv; charset=utf-8; header=present',
    'content-disposition': `attachment; filename="usage-${report.from}-to-${report.to}.csv"`,
    'cache-control': 'no-store',
  };
  return { status: 200, headers, body: textStream(usageCsv(report)) };
}

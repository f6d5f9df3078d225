import { calendarDay } from '#lib/calendar';
import { authMode } from '#lib/config/auth-mode';
import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { MAX_REPORT_ROWS, type UsageQuestion } from '#lib/people/usage/usage-question';
import { usageRecorder } from '#lib/people/usage/usage-recorder';
import { UsageTotals } from '#lib/people/usage/usage-totals';
import { UsageWriter } from '#lib/people/usage/usage-writer';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';
import type { UsageReport } from '#lib/wire/usage';

interface UsageService {
  writer?: UsageWriter;
}

function service(): UsageService {
  return singleton<UsageService>('usage', () => ({}));
}

/**
 * Begins to keep usage in the database. The database and its modules are loaded with the first
 * rows, a few seconds after the first request. `isKnownModel`: whether a model server lists the
 * model, or a setting names it.
 */
export function startUsage(isKnownModel: (model: string) => boolean): void {
  const started = service();
  if (started.writer !== undefined) return;
  const totals = new UsageTotals({
    now: Date.now,
    series: metrics().usage,
    isKnownModel,
    onFull: () => void started.writer?.flush(),
  });
  const writer = new UsageWriter({
    totals,
    open: async () => await (await import('#lib/store/store')).store(),
    statements: () => import('#lib/people/usage/usage-statements'),
    onError: (error) => log().warn({ err: error }, 'usage could not be saved; it is kept in memory and tried again'),
    onRefused: (error, count) =>
      log().error({ err: error, rows: count }, 'the database refuses rows of usage; they are not counted'),
  });
  started.writer = writer;
  const unsubscribe = usageRecorder().subscribe(totals);
  onShutdown(async () => {
    await writer.close();
    unsubscribe();
    delete started.writer;
  }, 'records');
}

/** Resolves when what has finished is in the database, or could not be written. */
export async function flushUsage(): Promise<void> {
  await service().writer?.flush();
}

/** A report with all requests that have finished. Throws `not_saved` and `invalid_request`. */
export async function reportUsage(question: UsageQuestion): Promise<UsageReport> {
  await flushUsage();
  const [{ store }, { usageQuery, usageReport }, { usageNames }] = await Promise.all([
    import('#lib/store/store'),
    import('#lib/people/usage/usage-report'),
    import('#lib/people/usage/usage-names'),
  ]);
  const database = await store();
  const rows = await database.report(usageQuery(database.db, question));
  if (rows.length > MAX_REPORT_ROWS)
    throw new AppError(
      'invalid_request',
      `The report has more than ${MAX_REPORT_ROWS} rows. Choose fewer days, or group by less, such as by month.`,
    );
  const settings = config();
  const names = await usageNames(database, {
    groupBy: question.groupBy,
    rows,
    hasAccounts: authMode(settings) === 'accounts',
    settingsKeys: settings.API_KEYS,
  });
  return usageReport(question, rows, names);
}

/** Today as a number, by the calendar of TZ. */
export function today(): number {
  return calendarDay(Date.now()).day;
}

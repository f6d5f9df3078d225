import { shareChange } from '#lib/cluster/cluster';
import { type Revocation, revokedSessions } from '#lib/http/revoked-sessions';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { type Store, store, whenStoreOpens } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';

/** Rows that are read in one turn of the event loop. */
const PAGE_ROWS = 2_000;
/** A database that does not respond does not stop the server: it is loaded when it does. */
const LOAD_TIMEOUT_MS = 3 * SECOND_MS;
const RETRY_MS = 10 * SECOND_MS;
/** About 2 MB. */
const MAX_UNSAVED = 10_000;

/**
 * Loads the sessions that were signed out before this process began. Resolves when they are
 * loaded, or when the database did not respond in time; they are loaded when it opens, then.
 */
export async function loadRevocations(): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const inTime = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LOAD_TIMEOUT_MS);
  });
  await Promise.race([loadOnOpen(), inTime]);
  clearTimeout(timer);
}

/**
 * Saves revocations, reports them to other servers, and resolves when they are on disk. Where
 * they cannot be saved it resolves
 * too: the sessions are revoked in this process, the log has a warning, and it is tried again.
 */
export async function saveRevocations(revocations: readonly Revocation[]): Promise<void> {
  if (revocations.length === 0) return;
  for (const revocation of revocations) shareChange({ kind: 'sign-out', ...revocation });
  try {
    await writeRevocations(revocations);
  } catch (error) {
    log().warn({ err: error }, 'a sign-out is not saved yet: after a restart the session would be valid again');
    const { rows } = unsaved();
    if (rows.length < MAX_UNSAVED) rows.push(...revocations);
    retryLater();
  }
}

async function writeRevocations(revocations: readonly Revocation[]): Promise<void> {
  const database = await store();
  await database.writeAll(
    revocations.map(({ keyId, id, endedAt, expiry }) =>
      database.db
        .insertInto('ended_sessions')
        .values({
          key_id: keyId,
          session_id: id,
          ended_at: endedAt * SECOND_MS,
          expires_at: expiry * SECOND_MS,
        })
        .onConflict((conflict) =>
          conflict.columns(['key_id', 'session_id']).doUpdateSet((row) => ({
            ended_at: row.ref('excluded.ended_at'),
            expires_at: row.ref('excluded.expires_at'),
          })),
        ),
    ),
  );
}

interface Unsaved {
  rows: Revocation[];
  timer: NodeJS.Timeout | undefined;
  /** The retry that goes on. */
  retry: Promise<void>;
}

/** Revocations that the database did not take. The last try is at the end of the process. */
function unsaved(): Unsaved {
  return singleton('http.unsaved-revocations', () => {
    onShutdown(saveLast, 'records');
    return { rows: [], timer: undefined, retry: Promise.resolve() };
  });
}

function retryLater(): void {
  const waiting = unsaved();
  waiting.timer ??= setTimeout(() => {
    waiting.timer = undefined;
    waiting.retry = retryNow().then((isSaved) => {
      if (!isSaved) retryLater();
    });
  }, RETRY_MS).unref();
}

/** Returns whether all rows are saved; they are kept otherwise. Never rejects. */
async function retryNow(): Promise<boolean> {
  const waiting = unsaved();
  const rows = waiting.rows.splice(0);
  if (rows.length === 0) return true;
  try {
    await writeRevocations(rows);
    return true;
  } catch {
    // `saveRevocations` has logged the failure.
    waiting.rows.unshift(...rows);
    return false;
  }
}

async function saveLast(): Promise<void> {
  const waiting = unsaved();
  await waiting.retry;
  clearTimeout(waiting.timer);
  if (!(await retryNow()))
    log().error(
      { sessions: waiting.rows.length },
      'sign-outs are lost: after a restart these sessions are valid again',
    );
}

/** Registers the load once per process, and resolves when the first one has ended. */
function loadOnOpen(): Promise<void> {
  return singleton('http.ended-sessions', async () => {
    const loaded = new Promise<void>((resolve) => {
      whenStoreOpens((database) => {
        loadAll(database)
          .catch((error: unknown) => log().warn({ err: error }, 'sessions that were signed out are not known'))
          .finally(resolve);
      });
    });
    // Where it cannot be opened now, the listener loads when it can.
    await store().then(
      () => loaded,
      () => undefined,
    );
  });
}

/** In pages by the primary key: a school's sign-outs of a month are read in many turns. */
async function loadAll({ db }: Store): Promise<void> {
  let last = { key_id: '', session_id: '' };
  for (;;) {
    const rows = await db
      .selectFrom('ended_sessions')
      .selectAll()
      .where((where) =>
        where.or([
          where('key_id', '>', last.key_id),
          where.and([where('key_id', '=', last.key_id), where('session_id', '>', last.session_id)]),
        ]),
      )
      .orderBy('key_id')
      .orderBy('session_id')
      .limit(PAGE_ROWS)
      .execute();
    for (const row of rows) revokedSessions().restore(revocationOf(row));
    const end = rows.at(-1);
    if (end === undefined || rows.length < PAGE_ROWS) return;
    last = end;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function revocationOf(row: { key_id: string; session_id: string; ended_at: number; expires_at: number }): Revocation {
  return {
    keyId: row.key_id,
    id: row.session_id,
    endedAt: Math.floor(row.ended_at / SECOND_MS),
    expiry: Math.floor(row.expires_at / SECOND_MS),
  };
}

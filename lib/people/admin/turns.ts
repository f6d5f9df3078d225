import { randomUUID } from 'node:crypto';
import type { Compilable } from 'kysely';
import { AppError } from '#lib/errors';
import { singleton } from '#lib/singletons';
import { type Store, store } from '#lib/store/store';
import { type ChangeKind, knownVersion, noteVersion, versionStatement } from './change-versions.ts';
import { load } from './restore.ts';

/** Servers that change at the same time, each of which may come before this one once. */
const MAX_ATTEMPTS = 10;

/** A change that is made in its turn. */
export interface ChangeTurn {
  /**
   * Saves statements in one transaction. Rejects without a change if another server has changed
   * something of the kind since the turn began.
   */
  save(opened: Store, statements: readonly Compilable[]): Promise<void>;
}

/**
 * Runs changes of one kind one after the other, and all after what is stored was read: each is
 * checked against what the one before has left, so that none undoes another. Where another server
 * over the same database was first, `work` runs again, after its change was read.
 */
export function inTurn<T>(kind: ChangeKind, work: (turn: ChangeTurn) => Promise<T>): Promise<T> {
  const turns = singleton(`people.${kind}-turns`, (): { last: Promise<unknown> } => ({ last: Promise.resolve() }));
  const turn = turns.last.then(store).then((opened) => attempt(kind, work, opened));
  // The caller gets the error; the next turn begins in any case.
  turns.last = turn.catch(() => undefined);
  return turn;
}

async function attempt<T>(kind: ChangeKind, work: (turn: ChangeTurn) => Promise<T>, opened: Store): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    const before = knownVersion(kind);
    const after = randomUUID();
    try {
      return await work({
        save: async (database, statements) => {
          await database.writeAll([versionStatement(database, kind, before, after), ...statements]);
          noteVersion(kind, before, after);
        },
      });
    } catch (error) {
      // Of the request, or of a database that does not save.
      if (AppError.is(error) || attempts === MAX_ATTEMPTS) throw error;
      await load(opened);
      if (knownVersion(kind) === before) throw error;
    }
  }
}

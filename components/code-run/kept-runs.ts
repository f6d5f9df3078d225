import type { DBSchema } from 'idb';
import { lazyDatabase } from '#lib/browser/lazy-database';
import type { CodeRun, OutputChunk } from './use-code-run.ts';

/** A run that has ended, as this browser keeps it. */
export type KeptRun = Extract<CodeRun, { state: 'ended' | 'stopped' }>;

interface StoredRun {
  /** `<conversation>/<message>/<block>` */
  key: string;
  savedAt: number;
  /** The program: another text at the same place has another result. */
  code: string;
  run: KeptRun;
}

interface RunsSchema extends DBSchema {
  runs: { key: string; value: StoredRun; indexes: { savedAt: number } };
}

/** The last run of each program in the chats. The oldest ones are deleted. */
export interface KeptRuns {
  /** Undefined if none is kept or the program was another one. */
  read(key: string, code: string): Promise<KeptRun | undefined>;
  save(key: string, code: string, run: KeptRun): Promise<void>;
  remove(key: string): Promise<void>;
  /** Deletes all runs whose keys begin with `prefix`. */
  removeAll(prefix: string): Promise<void>;
}

export const MAX_KEPT_RUNS = 60;
/** Of one run, in UTF-16 units: the runner's two limits together. */
const MAX_KEPT_CHARACTERS = 200_000;

/** A page of many programs, of which few have a result, asks the database once in this time. */
const KEYS_FRESH_MS = 1_000;

export function openKeptRuns(name = 'chill-space-runs', now: () => number = Date.now): KeptRuns {
  const database = lazyDatabase<RunsSchema>(name, 1, (db) => {
    db.createObjectStore('runs', { keyPath: 'key' }).createIndex('savedAt', 'savedAt');
  });
  let keys: { readAt: number; all: Promise<ReadonlySet<string>> } | undefined;
  /** Other tabs save results too, so they are read again. */
  const freshKeys = () => {
    if (keys === undefined || now() - keys.readAt >= KEYS_FRESH_MS) {
      const all = database().then(async (db) => new Set(await db.getAllKeys('runs')));
      keys = { readAt: now(), all };
    }
    return keys.all;
  };
  return {
    async read(key, code) {
      if (!(await freshKeys()).has(key)) return undefined;
      const stored = await (await database()).get('runs', key);
      return stored?.code === code ? stored.run : undefined;
    },
    async save(key, code, run) {
      keys = undefined;
      const transaction = (await database()).transaction('runs', 'readwrite');
      await transaction.store.put({ key, savedAt: now(), code, run: compact(run) });
      let excess = (await transaction.store.count()) - MAX_KEPT_RUNS;
      let oldest = excess > 0 ? await transaction.store.index('savedAt').openCursor() : null;
      for (; excess > 0 && oldest !== null; excess -= 1) {
        await oldest.delete();
        oldest = await oldest.continue();
      }
      await transaction.done;
      keys = undefined;
    },
    async remove(key) {
      await (await database()).delete('runs', key);
    },
    async removeAll(prefix) {
      await (await database()).delete('runs', IDBKeyRange.bound(prefix, `${prefix}\uffff`));
    },
  };
}

let shared: KeptRuns | undefined;

/** The runs of this browser. */
export function keptRuns(): KeptRuns {
  shared ??= openKeptRuns();
  return shared;
}

/** Deletes the results of all programs of a conversation. */
export function forgetRuns(conversationId: string): void {
  // Without storage there are none.
  keptRuns()
    .removeAll(`${conversationId}/`)
    .catch(() => undefined);
}

/** The output stands in `pieces`; the result need not repeat it. */
function compact(run: KeptRun): KeptRun {
  let remaining = MAX_KEPT_CHARACTERS;
  const pieces: OutputChunk[] = [];
  for (const piece of run.pieces) {
    if (remaining === 0) break;
    const text = piece.text.slice(0, remaining);
    remaining -= text.length;
    pieces.push({ ...piece, text });
  }
  if (run.state === 'stopped') return { ...run, pieces };
  return { ...run, pieces, result: { ...run.result, stdout: '', stderr: '' } };
}

import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { RestoredApi } from '#lib/chat/persistence/request-restorer';
import { SavedRequests, type SavedRequestsOptions } from '#lib/chat/persistence/saved-requests';
import type { UsageRecorder } from '#lib/people/usage/usage-recorder';
import type { Store } from '#lib/store/types';
import { MIB } from '#lib/units';
import type { ChatRequest } from '#lib/wire/chat';
import { chatRequest, type EngineHarness, engineHarness, type ManualClock } from './chat.ts';

/** Servers over one database, whose requests outlive them. */

/** How long results are kept. */
export const TTL_MS = 600_000;

interface Surroundings {
  store: Store;
  clock: ManualClock;
}

export type StartOptions = [
  env?: Record<string, string>,
  options?: Partial<SavedRequestsOptions>,
  restoreApi?: RestoredApi,
  usage?: UsageRecorder,
];

/** The engine of a process. Another one over the same database is the process after a crash. */
export async function startSaved(
  { store, clock }: Surroundings,
  ...[env = {}, options = {}, restoreApi = () => {}, usage]: StartOptions
): Promise<EngineHarness> {
  const log = { warn: () => {}, info: () => {} };
  const savedRequests = new SavedRequests({
    openStore: async () => store,
    maxBytes: 100 * MIB,
    resultTtlMs: TTL_MS,
    clock,
    log,
    ...options,
  });
  const engine = engineHarness({ QUEUE_MAX_CONCURRENT: '1', ...env }, { savedRequests, clock, usage });
  await engine.engine.restore(restoreApi);
  await turnsOf(store);
  return engine;
}

/** Lets everything happen that needs no time of the clock. */
export async function turnsOf(store: Store): Promise<void> {
  for (let turn = 0; turn < 40; turn++) {
    await store.flush();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export async function enqueue(
  { engine }: EngineHarness,
  request: Partial<ChatRequest> | string,
  submitter: object = {},
): Promise<PendingRequest> {
  const pending = await engine.enqueue(chatRequest(request), { caller: 'ann', ...submitter });
  await pending.saved?.written;
  return pending;
}

export const contents = ({ provider }: EngineHarness) =>
  provider.calls.map(({ request }) => request.messages.at(-1)?.content);
export const respondAll = (harness: EngineHarness) => {
  harness.provider.onCall = (call) => call.say(`to ${call.request.messages.at(-1)?.content}`).done();
};

/** The id of each saved request in its order, and whether it has ended. */
export async function savedRows(store: Store) {
  const rows = await store.db.selectFrom('chat_requests').select(['id', 'finished_at']).orderBy('position').execute();
  return rows.map(({ id, finished_at }) => [id, finished_at !== null] as const);
}

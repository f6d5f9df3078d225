import { embeddingService } from '#lib/chat/embeddings/embedding-singleton';
import { chatEngine, installChatEngine } from '#lib/chat/engine-singleton';
import { forgetStored } from '#lib/chat/http/responses-state';
import { installCluster, type SharedChange } from '#lib/cluster/cluster';
import { type ClusterListener, RedisCluster } from '#lib/cluster/redis-cluster';
import { createSharedEngine } from '#lib/cluster/shared-engine';
import { UnsuitableRedis } from '#lib/cluster/start-checks';
import { authMode } from '#lib/config/auth-mode';
import type { Config } from '#lib/config/config';
import { lockOut } from '#lib/http/open-work';
import { revokedSessions } from '#lib/http/revoked-sessions';
import { load as loadChanges } from '#lib/people/admin/restore';
import { peopleLimits } from '#lib/people/limits/index';
import { onShutdown } from '#lib/shutdown';
import { storeIfOpen } from '#lib/store/store';
import { log } from '#lib/telemetry/log';

/**
 * Shares state with other servers over the Redis of the settings, from before the first request
 * on. Returns why that Redis cannot be used, as a sentence for the operator.
 */
export async function joinCluster(settings: Config): Promise<string | undefined> {
  const listener = await createListener(settings);
  let cluster: RedisCluster | undefined;
  try {
    cluster = new RedisCluster(settings, listener);
    // Before it is connected: what is made meanwhile is shared as soon as that is done.
    installCluster(cluster);
    const { link } = cluster;
    installChatEngine((options) => createSharedEngine(options, link));
    await cluster.start();
  } catch (error) {
    await cluster?.close();
    if (error instanceof UnsuitableRedis) return error.message;
    throw error;
  }
  // Last: requests that end are still reported.
  const joined = cluster;
  onShutdown(() => joined.close(), 'last');
  return undefined;
}

/** Applies what other servers have changed. */
async function createListener(settings: Config): Promise<ClusterListener> {
  const identities =
    authMode(settings) === 'accounts'
      ? (await import('#lib/people/accounts/account-identities')).accountIdentities()
      : undefined;
  const readSettings = inTurn('what administrators changed', async () => {
    const opened = storeIfOpen();
    // A database that is opened later is read then.
    if (opened !== undefined) await loadChanges(opened);
  });
  const readLimits = inTurn('the limits of people', async () => {
    if (storeIfOpen() !== undefined) await peopleLimits().load();
  });
  const clear = (change: Extract<SharedChange, { kind: 'clear' }>) => {
    chatEngine().applyShared(change);
    if (change.values === 'responses') embeddingService().clear();
  };
  return {
    apply(change) {
      if (change.kind === 'sign-out') revokedSessions().restore(change);
      else if (change.kind === 'identity') identities?.apply(change);
      else if (change.kind === 'lock-out') lockOut(change.callers);
      else if (change.kind === 'settings') readSettings();
      else if (change.kind === 'limits') readLimits();
      else if (change.kind === 'clear') clear(change);
      else if (change.kind === 'delete-response') forgetStored(change);
      else chatEngine().applyShared(change);
    },
    resync(clears) {
      identities?.forgetAll();
      readSettings();
      readLimits();
      forgetStored();
      for (const values of ['responses', 'conversations'] as const)
        if (clears[values]) clear({ kind: 'clear', values, generation: 0 });
    },
  };
}

/** Calls `read` once at a time; a call during one reads once more after it. Never throws. */
function inTurn(what: string, read: () => Promise<void>): () => void {
  let isReading = false;
  let isWanted = false;
  const run = async () => {
    isReading = true;
    do {
      isWanted = false;
      await read().catch((error: unknown) => log().warn({ err: error }, `${what} could not be read`));
    } while (isWanted);
    isReading = false;
  };
  return () => {
    isWanted = true;
    if (!isReading) void run();
  };
}

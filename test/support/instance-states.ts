import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { ChatEngine, ChatEngineOptions } from '#lib/chat/chat-engine';
import type { ChatService } from '#lib/chat/chat-service';
import { systemClock } from '#lib/chat/clock';
import type { ModelResolver } from '#lib/chat/engine-parts';
import { cluster } from '#lib/cluster/cluster';
import { RedisCluster } from '#lib/cluster/redis-cluster';
import { readConfig } from '#lib/config/config';
import { ModelServer } from '#lib/models/model-server';
import { ModelServers } from '#lib/models/servers';
import { peopleLimits } from '#lib/people/limits/index';
import { joinCluster } from '#lib/server/join-cluster';
import { singleton } from '#lib/singletons';
import { INSTANCES, needsOneServer, sharedRedis } from './instances.ts';

/**
 * Several servers of a Redis in one process: each has its own engine and what goes with it. They
 * share what a test sets or reads itself: the settings, the models, the people, the metrics and the
 * database.
 */

/** What each server has for itself; see `lib/singletons.ts`. */
const OWN_STATE: ReadonlySet<string> = new Set([
  ...['chat', 'chat.engine-factory', 'chat.known-requests', 'chat.stored-responses', 'cluster', 'embeddings'],
  ...['http.open-work', 'http.request-limits', 'http.revoked-sessions', 'people.limits', 'people.scope-directory'],
  ...['shutdown-hooks', 'stopping'],
]);
const REGISTRY: unique symbol = Symbol.for('chill-space.process');

type State = Map<string, unknown>;
const current = new AsyncLocalStorage<State>();

let first: State | undefined;

/** A test itself is in the first server. Undefined for what all share. */
const stateOf = (name: string) => (OWN_STATE.has(name) ? (current.getStore() ?? first) : undefined);

/** The registry of a process with several servers. */
class InstanceStates extends Map<string, unknown> {
  override get(name: string): unknown {
    const state = stateOf(name);
    return state === undefined ? super.get(name) : state.get(name);
  }

  override has(name: string): boolean {
    return stateOf(name)?.has(name) ?? super.has(name);
  }

  override set(name: string, value: unknown): this {
    const state = stateOf(name);
    if (state === undefined) return super.set(name, value);
    state.set(name, value);
    return this;
  }

  override delete(name: string): boolean {
    return stateOf(name)?.delete(name) ?? super.delete(name);
  }
}

function installStates(): void {
  const holder: typeof globalThis & { [REGISTRY]?: State } = globalThis;
  if (!(holder[REGISTRY] instanceof InstanceStates)) holder[REGISTRY] = new InstanceStates(holder[REGISTRY]);
}

export interface EngineGroup {
  readonly environment: Record<string, string>;
  /** Makes the engine of each server. What it returns reports on all of them. */
  createEngine(options: ChatEngineOptions): ChatEngine;
  /** Gives each request of the server to the next engine. */
  distribute(server: Server): void;
  close(): Promise<void>;
}

/** INSTANCES servers that have joined a part of the Redis of this test file. */
export async function joinAsSeveral(env: Record<string, string>): Promise<EngineGroup> {
  installStates();
  const environment = { ...env, ...(await sharedRedis(randomUUID())) };
  const settings = readConfig(environment);
  // The others read it as soon as they join.
  singleton('config', () => settings);
  const states = Array.from({ length: INSTANCES }, (): State => new Map());
  first = states[0];
  const each = <T>(work: () => T): T[] => states.map((state) => current.run(state, work));
  const problems = await Promise.all(each(() => joinCluster(settings)));
  for (const problem of problems) if (problem !== undefined) throw new Error(problem);
  let engines: ChatService[] = [];
  return {
    environment,
    createEngine(options) {
      engines = each(() => {
        peopleLimits();
        const directory = withServer(options.directory, settings.QUEUE_MAX_CONCURRENT);
        return singleton<ChatService>('chat', () => createShared({ ...options, directory, shared: cluster() }));
      });
      return overallEngine(engines);
    },
    distribute(server) {
      const emit = server.emit.bind(server);
      let turn = 0;
      server.emit = (name: string, ...values: unknown[]) => {
        const isRequest = name === 'request' || name === 'checkContinue';
        const state = isRequest ? states[turn++ % states.length] : undefined;
        return state === undefined ? emit(name, ...values) : current.run(state, () => emit(name, ...values));
      };
    },
    async close() {
      await Promise.all(each(async () => await singleton<ChatService | undefined>('chat', () => undefined)?.close()));
      await Promise.all(each(() => peopleLimits().close()));
      await Promise.all(
        each(async () => {
          const joined = cluster();
          if (joined instanceof RedisCluster) await joined.close();
        }),
      );
      first = undefined;
    },
  };
}

/** So that each server knows the model server from its start, and works for it. */
function withServer(directory: ModelResolver, slots: number): ModelResolver {
  const provider = directory.resolveKnown?.(undefined)?.provider;
  if (directory.servers !== undefined || provider === undefined) return directory;
  const servers = new ModelServers(systemClock);
  const url = 'http://127.0.0.1:1';
  servers.use([new ModelServer({ provider, name: 'scripted', isNamed: false, url, slots, weight: 1, hasTags: false })]);
  const { resolve, resolveKnown } = directory;
  return { resolve, servers, ...(resolveKnown && { resolveKnown }) };
}

/** By what `joinCluster` has installed. */
function createShared(options: ChatEngineOptions): ChatService {
  type Create = (options: ChatEngineOptions) => ChatService;
  const { current: create } = singleton('chat.engine-factory', (): { current: Create | undefined } => ({
    current: undefined,
  }));
  if (create === undefined) throw new Error('the server has not joined a cluster');
  return create(options);
}

/** What tests wait for, of all engines. A test that needs more of the one engine is left out. */
function overallEngine(engines: readonly ChatService[]): ChatEngine {
  const known: Partial<ChatEngine> = {
    get load() {
      const loads = engines.map(({ load }) => load);
      return {
        running: loads.reduce((sum, { running }) => sum + running, 0),
        waiting: Math.max(...loads.map(({ waiting }) => waiting)),
      };
    },
  };
  return new Proxy(known as ChatEngine, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name);
      needsOneServer('looks into its engine');
    },
  });
}

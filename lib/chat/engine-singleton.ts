import { ChatEngine, type ChatEngineOptions } from '#lib/chat/chat-engine';
import type { ChatService } from '#lib/chat/chat-service';
import { systemClock } from '#lib/chat/clock';
import { persistentCache, savedRequests } from '#lib/chat/persistence/persistence-singleton';
import { cluster } from '#lib/cluster/cluster';
import { config } from '#lib/config/config';
import { modelDirectory } from '#lib/models/model-directory';
import { resilientChat } from '#lib/models/resilience';
import { delayStopWhile, onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';

/** The chat engine of this process, with the configured models. */
export function chatEngine(): ChatService {
  return singleton<ChatService>('chat', () => {
    const create = engineFactory().current ?? createChatEngine;
    const engine = create({
      settings: config(),
      directory: modelDirectory(),
      clock: systemClock,
      metrics: metrics(),
      log: log(),
      call: resilientChat(),
      persistentCache: persistentCache(),
      savedRequests: savedRequests(),
      shared: cluster(),
    });
    onShutdown(() => engine.close());
    delayStopWhile(() => engine.hasUnsavedWork);
    return engine;
  });
}

/** Replaces how the engine of this process is made. To be called before it is used. */
export function installChatEngine(create: (options: ChatEngineOptions) => ChatService): void {
  engineFactory().current = create;
}

interface EngineFactory {
  current: ((options: ChatEngineOptions) => ChatService) | undefined;
}

const defaultFactory = (): EngineFactory => ({ current: undefined });

function engineFactory(): EngineFactory {
  return singleton('chat.engine-factory', defaultFactory);
}

export function createChatEngine(options: ChatEngineOptions): ChatService {
  return new ChatEngine(options);
}

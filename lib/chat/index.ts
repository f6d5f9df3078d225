import { systemClock } from '#lib/chat/clock';
import { ChatEngine, type ChatEngineParts } from '#lib/chat/pipeline';
import { config } from '#lib/config/index';
import { modelDirectory } from '#lib/models/choose';
import { resilientChat } from '#lib/models/resilience';
import { log } from '#lib/observe/log';
import { metrics } from '#lib/observe/metrics';
import { atShutdown, processWide } from '#lib/process';

/** The process's chat engine, over the models that are configured. */
export function chatEngine(): ChatEngine {
  return processWide('chat', () => {
    const engine = createChatEngine({
      settings: config(),
      directory: modelDirectory(),
      clock: systemClock,
      metrics: metrics(),
      log: log(),
      call: resilientChat,
    });
    atShutdown(() => engine.close());
    return engine;
  });
}

export function createChatEngine(parts: ChatEngineParts): ChatEngine {
  return new ChatEngine(parts);
}

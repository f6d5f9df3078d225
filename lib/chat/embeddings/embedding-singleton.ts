import { systemClock } from '#lib/chat/clock';
import { EmbeddingService } from '#lib/chat/embeddings/embedding-service';
import { chatEngine } from '#lib/chat/engine-singleton';
import { config } from '#lib/config/config';
import { modelDirectory } from '#lib/models/model-directory';
import { singleton } from '#lib/singletons';

/** The embeddings of this process, in the line of its chat engine. */
export function embeddingService(): EmbeddingService {
  return singleton(
    'embeddings',
    () =>
      new EmbeddingService({
        settings: config(),
        clock: systemClock,
        persistent: chatEngine().persistentCache,
        runTask: (task, work) => chatEngine().runTask(task, work),
        serverOf: (provider) => modelDirectory().servers.serverOf(provider),
      }),
  );
}

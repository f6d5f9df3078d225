import { z } from 'zod';
import { lenientText, strictList } from '#lib/models/lenient-schemas';
import type { ModelServerClient } from '#lib/models/model-server-client';
import type { OllamaManagement } from '#lib/models/provider';

const entrySchema = z.looseObject({ name: lenientText, model: lenientText });
// Go writes an empty list as null.
const listSchema = z.object({
  models: strictList(entrySchema)
    .nullish()
    .transform((models) => models ?? []),
});
const versionSchema = z.object({ version: z.string().min(1).max(64) });

/** The part of Ollama's API that is not about responses, with entries as Ollama wrote them. */
export class OllamaServer implements OllamaManagement {
  readonly #upstream: ModelServerClient;

  constructor(upstream: ModelServerClient) {
    this.#upstream = upstream;
  }

  async tags(signal: AbortSignal): Promise<ReadonlyMap<string, object>> {
    const models = await this.#list('/api/tags', signal);
    return new Map(models.flatMap((entry) => [[entry.name ?? entry.model ?? '', entry] as const]));
  }

  async running(signal: AbortSignal): Promise<readonly object[]> {
    return await this.#list('/api/ps', signal);
  }

  async version(signal: AbortSignal): Promise<string> {
    const parsed = versionSchema.safeParse(await this.#get('/api/version', signal));
    if (!parsed.success) throw this.#unexpected();
    return parsed.data.version;
  }

  async unload(model: string, signal: AbortSignal): Promise<void> {
    // Without a prompt, Ollama only changes how long the model stays loaded.
    const body = { model, keep_alive: 0, stream: false };
    await this.#upstream.json({ method: 'POST', path: '/api/generate', body, signal });
  }

  async #list(path: string, signal: AbortSignal): Promise<z.infer<typeof entrySchema>[]> {
    const parsed = listSchema.safeParse(await this.#get(path, signal));
    if (!parsed.success) throw this.#unexpected();
    return parsed.data.models;
  }

  #get(path: string, signal: AbortSignal): Promise<unknown> {
    return this.#upstream.json({ method: 'GET', path, signal });
  }

  #unexpected() {
    return this.#upstream.unexpectedServer('is not Ollama; correct OLLAMA_API_URL.');
  }
}

import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { requestDefaultsChanged, settingOverrides, withOverrides } from '#lib/config/runtime-settings';
import { AppError } from '#lib/errors';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { createModelDirectory, findModel } from '#lib/models/model-directory';
import { modelOverrides } from '#lib/models/model-overrides';
import type { ModelProvider, SoleModel } from '#lib/models/provider';
import { PROVIDERS } from '#lib/models/provider-registry';
import type { ModelInfo, ProviderId } from '#lib/wire/models';

/** A provider with the named models; undefined is unreachable. */
class Fake implements ModelProvider {
  readonly id: ProviderId;
  readonly soleModel?: SoleModel;
  names: string[] | undefined;
  looks = 0;

  constructor(id: ProviderId, names: string[] | undefined) {
    this.id = id;
    this.names = names;
    const { soleModel } = new EmbeddedProvider(readConfig({}));
    if (id === 'embedded') this.soleModel = soleModel;
  }

  async chat(): Promise<void> {}

  async models(): Promise<Omit<ModelInfo, 'is_default'>[]> {
    this.looks++;
    await this.check();
    return (this.names ?? []).map((id) => ({
      id,
      provider: this.id,
      size_bytes: null,
      parameter_size: null,
      quantization: null,
      context_length: null,
      capabilities: { thinking: false, vision: false, tools: false },
      loaded: false,
    }));
  }

  load = async () => ({ load_duration_ms: 0 });

  async check(): Promise<void> {
    if (this.names === undefined) throw new AppError('provider_unavailable', `${this.id} is down`);
  }

  close = async () => {};
}

function setUp(
  env: Record<string, string>,
  names: { ollama?: string[]; openai?: string[]; responds?: boolean | undefined } = {},
) {
  const ollama = new Fake('ollama', names.ollama);
  const openai = new Fake('openai', names.openai);
  const embedded = new Fake('embedded', ['smollm2:135m']);
  const world = { responds: names.responds ?? false, probes: 0, now: 0 };
  const settings = withOverrides(readConfig(env));
  const fakes = { ollama, openai, embedded };
  const directory = createModelDirectory({
    settings,
    definitions: Object.values(PROVIDERS).map((definition) => ({
      ...definition,
      create: () => fakes[definition.id],
      ...(definition.probe === undefined
        ? {}
        : {
            probe: async () => {
              world.probes++;
              return world.responds;
            },
          }),
    })),
    timers: { now: () => world.now, after: () => () => {} },
  });
  const resolve = async (model?: string) => {
    const found = await directory.resolve(model);
    return `${found.provider.id}/${found.model}`;
  };
  return { ollama, openai, embedded, world, directory, resolve };
}

const OLLAMA = { OLLAMA_API_URL: 'http://gpu:11434' };
const OPENAI = { OPENAI_BASE_URL: 'http://vllm:8000/v1' };
const signal = new AbortController().signal;

describe('what administrators changed', () => {
  afterEach(() => {
    modelOverrides().set('b', {});
    settingOverrides().clear();
  });

  it('leaves a hidden model out of lists, refuses it by name, and takes no such default', async () => {
    const { directory, resolve } = setUp(OLLAMA, { ollama: ['b', 'c'] });
    modelOverrides().set('b', { hidden: true, displayName: 'Bee' });
    expect((await directory.list(signal)).models.map(({ id }) => id)).toEqual(['c']);
    expect((await directory.listAll(signal)).models).toMatchObject([{ id: 'b', display_name: 'Bee' }, { id: 'c' }]);
    await expect(resolve('b')).rejects.toMatchObject({ code: 'model_not_found' });
    expect(directory.resolveKnown('b')).toBeUndefined();
    expect(await resolve()).toBe('ollama/c');
  });

  it('accepts listed names alone while a model is hidden or for some: a server knows more names of it', async () => {
    const { resolve } = setUp(OLLAMA, { ollama: ['b', 'c:latest'] });
    expect(await resolve('registry.ollama.ai/library/b')).toBe('ollama/registry.ollama.ai/library/b');
    for (const rule of [{ hidden: true }, { access: { groups: [], users: [] } }]) {
      modelOverrides().set('b', rule);
      for (const name of ['registry.ollama.ai/library/b', 'B', 'unlisted'])
        await expect(resolve(name)).rejects.toMatchObject({ code: 'model_not_found' });
      expect(await resolve('c')).toBe('ollama/c:latest');
    }
  });

  it('takes a default that everyone may use, if there is one', async () => {
    const { resolve } = setUp(OLLAMA, { ollama: ['b', 'c'] });
    modelOverrides().set('b', { access: { groups: [], users: [] } });
    requestDefaultsChanged();
    expect(await resolve()).toBe('ollama/c');
  });

  it('shows parameters as the defaults of a model', async () => {
    const { directory } = setUp(OLLAMA, { ollama: ['b'] });
    modelOverrides().set('b', { parameters: { temperature: 0.2, mirostat: 1 } });
    expect((await directory.list(signal)).models).toMatchObject([{ id: 'b', defaults: { temperature: 0.2 } }]);
  });

  it('resolves the default model again once that was changed', async () => {
    const { directory, resolve } = setUp(OLLAMA, { ollama: ['b', 'c'] });
    await directory.list(signal);
    expect(await resolve()).toBe('ollama/b');
    settingOverrides().set('OLLAMA_MODEL', 'c');
    requestDefaultsChanged();
    expect(await resolve()).toBe('ollama/c');
    expect((await directory.list(signal)).default_model).toBe('c');
  });
});

describe('names that are known', () => {
  it('are those of the settings, and those that a server lists once its list was read', async () => {
    const names = { ...OLLAMA, OLLAMA_MODEL: 'a', MODEL_ALIASES: 'fast=e,f' };
    const { directory } = setUp(names, { ollama: ['b', 'c:latest'] });
    const known = () => ['a', 'b', 'c', 'c:latest', 'e', 'f', 'made-up'].filter((name) => directory.isKnown(name));
    expect(known()).toEqual(['a', 'e', 'f']);
    await directory.list(signal);
    expect(known()).toEqual(['a', 'b', 'c', 'c:latest', 'e', 'f']);
    const builtIn = setUp({});
    await builtIn.resolve();
    expect(builtIn.directory.isKnown('smollm2:135m')).toBe(true);
  });
});

describe('ModelDirectory', () => {
  it('uses the built-in model if no Ollama responds, and repeats the probe after 15 seconds', async () => {
    const { world, resolve, directory } = setUp({});
    expect(await resolve()).toBe('embedded/smollm2:135m');
    expect(await resolve('deepseek-r1:8b')).toBe('embedded/smollm2:135m');
    expect(await resolve('smollm2:135m')).toBe('embedded/smollm2:135m');
    await expect(resolve('llama3')).rejects.toMatchObject({
      code: 'model_not_found',
      message: expect.stringContaining('The built-in smollm2:135m is the only one'),
    });
    expect(world.probes).toBe(1);
    const { notice, default_model } = await directory.list(signal);
    expect(notice).toMatch(/small built-in model.*ollama pull.*OPENAI_BASE_URL/);
    expect(default_model).toBe('smollm2:135m');
    expect(world.probes).toBe(1);
    world.now = 15_000;
    // The request does not wait for the probe.
    expect(await resolve()).toBe('embedded/smollm2:135m');
    expect(world.probes).toBe(2);
  });

  it('switches to an Ollama that starts later', async () => {
    const { world, resolve, directory, ollama } = setUp({});
    expect(await resolve()).toBe('embedded/smollm2:135m');
    ollama.names = ['deepseek-r1:8b'];
    world.responds = true;
    world.now = 15_000;
    await directory.list(signal);
    expect(await resolve()).toBe('ollama/deepseek-r1:8b');
    expect((await directory.list(signal)).notice).toBeNull();
  });

  it('resolves a named model of a configured Ollama without a request', async () => {
    const { world, resolve, ollama } = setUp(OLLAMA, { ollama: ['llama3:latest'] });
    expect(await resolve('anything')).toBe('ollama/anything');
    expect([world.probes, ollama.looks]).toEqual([0, 0]);
  });

  it('resolves at once what takes no request, and nothing that is to be refused', async () => {
    const alone = setUp({});
    expect(alone.directory.resolveKnown(undefined)).toBeUndefined();
    expect(alone.world.probes).toBe(0);
    await alone.resolve();
    expect(alone.directory.resolveKnown('smollm2:135m')).toMatchObject({ model: 'smollm2:135m' });
    expect(alone.directory.resolveKnown('llama3')).toBeUndefined();

    const { resolve, directory, openai } = setUp(
      { ...OLLAMA, ...OPENAI },
      { ollama: ['llama3:latest'], openai: ['x'] },
    );
    expect(directory.resolveKnown('x')).toBeUndefined();
    expect(openai.looks).toBe(0);
    await resolve('x');
    for (const name of ['x', 'llama3', undefined])
      expect(directory.resolveKnown(name)).toEqual(await directory.resolve(name));
    expect(directory.resolveKnown('new')).toBeUndefined();
    expect(openai.looks).toBe(1);
  });

  it('substitutes a pulled model for a missing default, with a notice', async () => {
    const { world, resolve, directory, ollama } = setUp(OLLAMA, { ollama: ['llama3:latest', 'qwen3:4b'] });
    expect(await resolve()).toBe('ollama/llama3:latest');
    expect(await resolve()).toBe('ollama/llama3:latest');
    expect(ollama.looks).toBe(1);
    const listed = await directory.list(signal);
    expect(listed.default_model).toBe('llama3:latest');
    expect(listed.models.map(({ is_default }) => is_default)).toEqual([true, false]);
    expect(listed.notice).toBe(
      'The default model deepseek-r1:8b is not pulled, so llama3:latest answers. Get it with `ollama pull deepseek-r1:8b`.',
    );
    ollama.names = ['llama3:latest', 'deepseek-r1:8b'];
    world.now = 15_000;
    await resolve();
    await expect.poll(() => resolve(), { interval: 1 }).toBe('ollama/deepseek-r1:8b');
  });

  it('names the pull command if Ollama has no model', async () => {
    const { resolve, directory } = setUp(OLLAMA, { ollama: [] });
    expect((await directory.list(signal)).notice).toBe(
      'Ollama has no model yet. Get one with `ollama pull deepseek-r1:8b`.',
    );
    await expect(resolve()).rejects.toMatchObject({ code: 'model_not_found' });
  });

  it('reports that no model responds if the file of the built-in one is missing', async () => {
    const { directory, embedded } = setUp({});
    embedded.names = undefined;
    const listed = await directory.list(signal);
    expect(listed).toMatchObject({ models: [], notice: 'embedded is down' });
    expect(listed.providers).toEqual([{ id: 'embedded', reachable: false, error: 'embedded is down' }]);
  });

  it('reports why no model responds if the only provider is down', async () => {
    const { directory } = setUp(OPENAI, {});
    expect((await directory.list(signal)).notice).toBe('openai is down');
  });

  it('finds a model on either of two providers', async () => {
    const { resolve, openai, world } = setUp(
      { ...OLLAMA, ...OPENAI },
      { ollama: ['llama3:latest'], openai: ['gpt-x'] },
    );
    expect(await resolve('gpt-x')).toBe('openai/gpt-x');
    expect(await resolve('llama3')).toBe('ollama/llama3:latest');
    expect(openai.looks).toBe(1);
    await expect(resolve('new')).rejects.toMatchObject({ code: 'model_not_found' });
    // A name that no list has makes the lists be read again, but not at every request.
    openai.names = ['gpt-x', 'new'];
    world.now = 2_000;
    expect(await resolve('new')).toBe('openai/new');
    expect(openai.looks).toBe(2);
  });

  it('reports an unreachable provider, and throws its error only for an unknown model', async () => {
    const { resolve, directory, openai } = setUp({ ...OLLAMA, ...OPENAI }, { openai: ['gpt-x'] });
    expect(await resolve('gpt-x')).toBe('openai/gpt-x');
    await expect(resolve('llama3')).rejects.toThrow('ollama is down');
    expect(await directory.check(signal)).toEqual({ down: 1, total: 2 });
    expect((await directory.list(signal)).providers).toEqual([
      { id: 'ollama', reachable: false, error: 'ollama is down' },
      expect.objectContaining({ id: 'openai', reachable: true, error: null }),
    ]);
    openai.names = undefined;
    await expect(directory.check(signal)).rejects.toThrow('ollama is down');
  });

  it('uses the provider of MODEL_PROVIDER', async () => {
    expect(await setUp({ MODEL_PROVIDER: 'embedded', ...OLLAMA }).resolve()).toBe('embedded/smollm2:135m');
    expect(await setUp({ MODEL_PROVIDER: 'ollama' }).resolve('x')).toBe('ollama/x');
    const openai = setUp({ MODEL_PROVIDER: 'openai', ...OPENAI }, { openai: ['gpt-x'] });
    expect(await openai.resolve()).toBe('openai/gpt-x');
    expect(openai.world.probes).toBe(0);
  });
});

describe('findModel', () => {
  const listed = [
    { id: 'fake:latest', provider: 'ollama' as const },
    { id: 'org/model:latest', provider: 'openai' as const },
  ];

  it('finds a model without its :latest tag', () => {
    expect(findModel(listed, 'fake')?.id).toBe('fake:latest');
    expect(findModel(listed, 'fake:latest')?.id).toBe('fake:latest');
    expect(findModel(listed, 'fake:1b')).toBeUndefined();
    // Servers of OpenAI's API know no tags.
    expect(findModel(listed, 'org/model')).toBeUndefined();
  });
});

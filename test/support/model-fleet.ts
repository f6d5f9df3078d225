import { readConfig } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { createModelDirectory, type ModelDirectory } from '#lib/models/model-directory';
import type { ModelServer, ServerModel } from '#lib/models/model-server';
import type { ModelEventListener, ModelProvider, ModelRequest } from '#lib/models/provider';
import { PROVIDERS } from '#lib/models/provider-registry';
import type { ResilientChat } from '#lib/models/resilience';
import type { ProviderId } from '#lib/wire/models';
import { type EngineHarness, engineHarness, ManualClock, ScriptedCall, settled } from './chat.ts';

const UNREACHED = { upstream: { isUnreached: true } };

/** A model server whose calls the test plays by hand, or by `onCall`. */
export class FleetProvider implements ModelProvider {
  readonly id: ProviderId;
  readonly name: string;
  readonly calls: ScriptedCall[] = [];
  /** Names of its models, and of those that are loaded. */
  listed = ['m'];
  loaded = ['m'];
  /** Of all its models. */
  digest = 'abc';
  isDown = false;
  checks = 0;
  lists = 0;
  loads: string[] = [];
  onCall: ((call: ScriptedCall) => void) | undefined;

  constructor(id: ProviderId, name: string) {
    this.id = id;
    this.name = name;
  }

  get open(): number {
    return this.calls.filter((call) => !call.closed).length;
  }

  get last(): ScriptedCall {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error(`${this.name} was not called`);
    return call;
  }

  /** What each call has in its last message. */
  get asked(): (string | undefined)[] {
    return this.calls.map(({ request }) => request.messages.at(-1)?.content);
  }

  async chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    this.#refuseIfDown();
    const call = new ScriptedCall(request, signal);
    this.calls.push(call);
    this.onCall?.(call);
    await call.play(emit);
  }

  async models(): Promise<ServerModel[]> {
    this.lists += 1;
    this.#refuseIfDown();
    return this.listed.map((id) => ({
      id,
      provider: this.id,
      size_bytes: null,
      parameter_size: null,
      quantization: null,
      context_length: null,
      capabilities: { thinking: false, vision: false, tools: false },
      loaded: this.loaded.includes(id),
      digest: this.digest,
    }));
  }

  async load(model: string) {
    this.#refuseIfDown();
    this.loads.push(model);
    return { load_duration_ms: 1 };
  }

  async check(): Promise<void> {
    this.checks += 1;
    this.#refuseIfDown();
  }

  async close(): Promise<void> {}

  #refuseIfDown(): void {
    if (this.isDown) throw new AppError('provider_unavailable', `${this.name} is down`, UNREACHED);
  }
}

export interface Fleet extends EngineHarness {
  directory: ModelDirectory;
  /** Servers and their providers by name. */
  server(name: string): ModelServer;
  at(name: string): FleetProvider;
  /** Submits a request with a reader, and waits until it runs or waits. */
  ask(text: string, fields?: Record<string, unknown>, caller?: string): ReturnType<EngineHarness['submit']>;
}

/**
 * An engine over the real directory with scripted servers. `env` has their addresses, whose names
 * are those of the fleet.
 */
export async function modelFleet(
  env: Record<string, string>,
  prepare: (at: (name: string) => FleetProvider) => void = () => {},
  /** What the engine's calls have besides the providers' own. */
  resilience: Pick<ResilientChat, 'guard'> = {},
): Promise<Fleet> {
  const providers = new Map<string, FleetProvider>();
  const clock = new ManualClock();
  const at = (name: string) => {
    const found = providers.get(name);
    if (found === undefined) throw new Error(`there is no server ${name}`);
    return found;
  };
  const directory = createModelDirectory({
    settings: readConfig({ OLLAMA_MODEL: 'm', ...env }),
    definitions: [PROVIDERS.ollama, PROVIDERS.openai].map((definition) => ({
      ...definition,
      create: (_settings, { name = '' }) => {
        const provider = new FleetProvider(definition.id, name);
        providers.set(name, provider);
        return provider;
      },
    })),
    timers: clock,
  });
  prepare(at);
  const call: ResilientChat = (asked, request, signal, emit) => asked.chat(request, signal, emit);
  const harness = engineHarness(
    { OLLAMA_MODEL: 'm', CACHE_ENABLED: 'false', ...env },
    { directory, clock, call: Object.assign(call, resilience) },
  );
  await directory.list(new AbortController().signal);
  return {
    ...harness,
    clock,
    directory,
    at,
    server: (name) => {
      const found = directory.servers.all.find((server) => server.name === name);
      if (found === undefined) throw new Error(`there is no server ${name}`);
      return found;
    },
    async ask(text, fields = {}, caller = 'ann') {
      const messages = [{ role: 'user' as const, content: text }];
      const pending = await harness.submit({ messages, ...fields }, { caller });
      harness.engine.read(pending, () => undefined);
      await settled();
      return pending;
    },
  };
}

/** Two servers, `a` and `b`. */
export const TWO = { OLLAMA_API_URL: 'http://a:1#name=a,http://b:1#name=b' };

export const unreached = (what: string) =>
  new AppError('provider_unavailable', what, { upstream: { isUnreached: true } });

/** Every request of the model `m` begins on `first`: the other has to load the model. */
export const onlyLoadedOn = (first: string) => (at: Fleet['at']) => {
  for (const name of ['a', 'b']) at(name).loaded = name === first ? ['m'] : [];
};

/** The server accepts connections, and responds to nothing. */
export async function hangs(fleet: Fleet, name: string): Promise<void> {
  const provider = fleet.at(name);
  provider.models = provider.check = async () => {
    throw new AppError('provider_unavailable', `${name} does not respond in time`);
  };
  fleet.directory.servers.reportFailure(fleet.server(name), new AppError('upstream_timeout', 'too slow'));
  await settled();
}

/** The open calls of `a` and `b`. */
export const openCalls = (fleet: Fleet) => [fleet.at('a').open, fleet.at('b').open];

/** A model whose responses take `ms`. */
export function takes(fleet: Fleet, provider: FleetProvider, ms: number): void {
  provider.onCall = (call) => void fleet.clock.after(ms, () => call.say('x').done());
}

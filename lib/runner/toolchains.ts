import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { AppError } from '#lib/errors';
import {
  type HostFiles,
  type Language,
  PREPARED,
  type PreparationCommand,
  type Toolchain,
} from '#lib/languages/language';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';
import { prepareToolchain, removeUnusedToolchains, toolchainCacheRoot } from '#lib/runner/toolchain-cache';
import { log } from '#lib/telemetry/log';
import { MIB } from '#lib/units';

export interface InstalledToolchain {
  toolchain: Toolchain;
  version: string;
}

type ToolchainState = { state: 'ready'; installed: InstalledToolchain } | { state: 'missing' | 'preparing' };

/** The toolchains of this machine. Reads the version of each once, inside the sandbox. */
export class Toolchains {
  readonly #sandbox: Sandbox;
  readonly #languages: readonly Language[];
  readonly #found = new Map<Language, Promise<ToolchainState>>();
  readonly #prepared = new Map<Language, Promise<unknown>>();

  /** Looks for the languages that are run here, and for no others. */
  constructor(sandbox: Sandbox, languages: readonly Language[]) {
    this.#sandbox = sandbox;
    this.#languages = languages;
  }

  /** Throws `language_unavailable` with a hint what to install. */
  async require(language: Language): Promise<Toolchain> {
    const found = await this.#find(language);
    if (found.state === 'ready') return found.installed.toolchain;
    const sentence = this.#sentence(language, found.state);
    throw found.state === 'preparing'
      ? new AppError('language_unavailable', sentence, { retryAfterSeconds: PREPARING_RETRY_SECONDS })
      : new AppError('language_unavailable', sentence);
  }

  /** The installed toolchains, and a notice for each other language. */
  async survey(): Promise<{ installed: Map<Language, InstalledToolchain>; notices: string[] }> {
    const installed = new Map<Language, InstalledToolchain>();
    const notices: string[] = [];
    const all = await Promise.all(
      this.#languages.map(async (language) => [language, await this.#find(language)] as const),
    );
    for (const [language, found] of all) {
      if (found.state === 'ready') installed.set(language, found.installed);
      else notices.push(this.#sentence(language, found.state));
    }
    return { installed, notices };
  }

  /** Resolves when no toolchain is being prepared. */
  async settled(): Promise<void> {
    await this.survey();
    await Promise.all(this.#prepared.values());
  }

  #sentence(language: Language, state: 'missing' | 'preparing'): string {
    return state === 'missing'
      ? `${language.name} is not installed on this server. ${language.installHint}`
      : `${language.name} is being prepared: its standard library is compiled, once. Try again in a minute.`;
  }

  #find(language: Language): Promise<ToolchainState> {
    let found = this.#found.get(language);
    if (found === undefined) {
      found = this.#look(language);
      this.#found.set(language, found);
      // A missing toolchain may be installed later.
      void found.then(({ state }) => {
        if (state === 'missing') this.#found.delete(language);
      });
    }
    return found;
  }

  async #look(language: Language): Promise<ToolchainState> {
    const toolchain = language.findToolchain(THIS_MACHINE);
    const version = toolchain === undefined ? undefined : await readVersion(this.#sandbox, language, toolchain);
    if (toolchain === undefined || version === undefined) return { state: 'missing' };
    const installed = { toolchain, version };
    const { prepare: preparation } = language;
    if (preparation === undefined) return { state: 'ready', installed };

    const meanwhile: ToolchainState = preparation.isNeeded ? { state: 'preparing' } : { state: 'ready', installed };
    const preparing = this.#prepare(language, installed, preparation).catch((error: unknown): ToolchainState => {
      log().error({ language: language.id, err: error }, 'the language could not be prepared');
      return preparation.isNeeded ? { state: 'missing' } : meanwhile;
    });
    // It replaces `meanwhile` when done, which is at once if an earlier start has prepared it.
    this.#prepared.set(
      language,
      preparing.then((found) => this.#found.set(language, Promise.resolve(found))),
    );
    return Promise.race([preparing, new Promise<ToolchainState>((resolve) => setImmediate(() => resolve(meanwhile)))]);
  }

  async #prepare(
    language: Language,
    { toolchain, version }: InstalledToolchain,
    { make }: NonNullable<Language['prepare']>,
  ): Promise<ToolchainState> {
    const preparation = make(toolchain, PREPARED);
    const revision = preparation.files === undefined ? [] : [hashOf(preparation)];
    const name = [language.id, version.replaceAll(/[^\w.-]/g, '_'), ...revision].join('-');
    const root = toolchainCacheRoot();
    const from = await prepareToolchain(root, name, (directory) => make(toolchain, directory));
    removeUnusedToolchains(root, language.id, name).catch((error: unknown) =>
      log().warn({ language: language.id, err: error }, 'older prepared toolchains could not be removed'),
    );
    const binds = [...toolchain.binds, { from, at: PREPARED }];
    const programs = { ...toolchain.programs, prepared: PREPARED };
    return { state: 'ready', installed: { version, toolchain: { binds, programs } } };
  }
}

function hashOf({ argv, env, files = [] }: PreparationCommand): string {
  const hash = createHash('sha256').update(JSON.stringify([argv, env]));
  for (const { name, content } of files) hash.update(`${name} ${content.byteLength}\n`).update(content);
  return hash.digest('hex').slice(0, HASH_LENGTH);
}

const HASH_LENGTH = 12;
const PREPARING_RETRY_SECONDS = 30;

async function readVersion(sandbox: Sandbox, language: Language, toolchain: Toolchain): Promise<string | undefined> {
  let output = '';
  const append = (chunk: Buffer) => {
    output += chunk.toString();
    return output.length < VERSION_LIMITS.outputBytes;
  };
  try {
    const report = await sandbox.run({
      argv: language.version.command(toolchain),
      env: {},
      binds: toolchain.binds,
      files: [],
      stdin: new Uint8Array(),
      limits: VERSION_LIMITS,
      onStdout: append,
      onStderr: append,
    });
    return report.started && report.exitCode === 0 ? language.version.pattern.exec(output)?.[1] : undefined;
  } catch (error) {
    log().warn({ language: language.id, err: error }, 'the toolchain cannot be used in the sandbox');
    return undefined;
  }
}

const THIS_MACHINE: HostFiles = {
  exists: existsSync,
  list: (directory) => {
    try {
      return readdirSync(directory).toSorted();
    } catch {
      return [];
    }
  },
  home: homedir(),
};

const VERSION_LIMITS = {
  wallMs: 20_000,
  cpuSeconds: 20,
  memoryBytes: 512 * MIB,
  processes: 64,
  diskBytes: 16 * MIB,
  openFiles: 256,
  dataBytes: 16 * 1024 * MIB,
  outputBytes: 10_000,
};

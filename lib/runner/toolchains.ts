import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { log } from '#lib/observe/log';
import { LANGUAGES } from '#lib/runner/languages/index';
import type { Language, Machine, Toolchain } from '#lib/runner/languages/language';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';

export interface Installed {
  toolchain: Toolchain;
  version: string;
}

/** Finds the languages that this machine has, by asking each for its version inside the sandbox that it will run in. */
export async function findToolchains(sandbox: Sandbox): Promise<Map<Language, Installed>> {
  const found = await Promise.all(
    LANGUAGES.map(async (language): Promise<[Language, Installed] | undefined> => {
      const toolchain = language.find(THIS_MACHINE);
      if (toolchain === undefined) return undefined;
      const version = await askVersion(sandbox, language, toolchain);
      return version === undefined ? undefined : [language, { toolchain, version }];
    }),
  );
  return new Map(found.filter((entry) => entry !== undefined));
}

async function askVersion(sandbox: Sandbox, language: Language, toolchain: Toolchain): Promise<string | undefined> {
  let said = '';
  const listen = (chunk: Buffer) => {
    said += chunk.toString();
    return said.length < 10_000;
  };
  const ended = await sandbox
    .run({
      argv: language.version.command(toolchain),
      env: {},
      binds: toolchain.binds,
      files: [],
      stdin: new Uint8Array(),
      limits: LIMITS,
      onStdout: listen,
      onStderr: listen,
    })
    .catch((error: unknown) => {
      log().warn({ language: language.id, err: error }, 'the toolchain cannot be used in the sandbox');
      return undefined;
    });
  if (ended?.started !== true || ended.exitCode !== 0) return undefined;
  return language.version.pattern.exec(said)?.[1];
}

const THIS_MACHINE: Machine = {
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

const MB = 1024 * 1024;
const LIMITS = {
  wallMs: 20_000,
  cpuSeconds: 20,
  memoryBytes: 512 * MB,
  processes: 64,
  diskBytes: 16 * MB,
  openFiles: 256,
  dataBytes: 16 * 1024 * MB,
  outputBytes: 10_000,
};

import { existsSync } from 'node:fs';
import { LANGUAGES } from '#lib/runner/languages/index';
import type { Language, Toolchain } from '#lib/runner/languages/language';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';

export interface Installed {
  toolchain: Toolchain;
  version: string;
}

/** Finds the languages that this machine has, by asking each for its version inside the sandbox that it will run in. */
export async function findToolchains(sandbox: Sandbox): Promise<Map<Language, Installed>> {
  const found = await Promise.all(
    LANGUAGES.map(async (language): Promise<[Language, Installed] | undefined> => {
      const toolchain = language.find(existsSync);
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
  const ended = await sandbox.run({
    argv: language.version.command(toolchain),
    env: {},
    binds: toolchain.binds,
    files: [],
    stdin: new Uint8Array(),
    limits: LIMITS,
    onStdout: listen,
    onStderr: listen,
  });
  if (!ended.started || ended.exitCode !== 0) return undefined;
  return language.version.pattern.exec(said)?.[1];
}

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

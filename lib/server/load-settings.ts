import { existsSync, readFileSync } from 'node:fs';
import { type Config, ConfigError, config } from '#lib/config/config';
import { cutFragments } from '#lib/config/env-file';
import { unknownSettings } from '#lib/config/unknown-settings';
import { singleton } from '#lib/singletons';
import { workerProcess } from '#lib/worker-process';

/**
 * Reads the settings from the environment and `.env`, and warns on standard error of what looks
 * like a setting and is none, once. Ends the process with one message if settings are not valid.
 */
export function loadSettings(): Config {
  const cut = existsSync('.env') ? cutFragments(readFileSync('.env', 'utf8')) : [];
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings();
  // The supervisor of a worker has written them.
  if (workerProcess() === undefined)
    singleton('settings.warnings', () => {
      for (const warning of [...unknownSettings(), ...cut]) process.stderr.write(`${warning}\n`);
      return true;
    });
  return settings;
}

/** Ends the process with a sentence for the operator. */
export function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

function readSettings(): Config {
  try {
    return config();
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.message);
    throw error;
  }
}

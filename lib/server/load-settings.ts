import { existsSync } from 'node:fs';
import { type Config, ConfigError, config } from '#lib/config/config';

/**
 * Reads the settings from the environment and `.env`. Ends the process with one message if they are
 * not valid.
 */
export function loadSettings(): Config {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return readSettings();
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

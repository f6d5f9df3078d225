import { ConfigError } from '#lib/config/config';
import { BackupError } from '#lib/store/backup';
import { loadDotEnv, say } from './bootstrap/setup.mjs';

/**
 * Runs a command that takes the name of one file. Expected failures are a sentence and exit code 1.
 */
export function runForFile(name: string, task: (file: string) => void): void {
  const files = process.argv.slice(2);
  const [file] = files;
  if (file === undefined || files.length > 1) {
    say(`Name one file: npm run ${name} -- FILE`);
    process.exitCode = 1;
    return;
  }
  try {
    loadDotEnv();
    task(file);
  } catch (error) {
    if (!(error instanceof BackupError || error instanceof ConfigError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

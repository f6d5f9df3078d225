import { existsSync, readFileSync } from 'node:fs';
import { cutFragments } from '#lib/config/env-file';
import { unknownSettings } from '#lib/config/unknown-settings';
import { singleton } from '#lib/singletons';
import { workerProcess } from '#lib/worker-process';

/**
 * Warns on standard error, once, of what looks like a setting and is none, and of values in `.env`
 * that end at a `#`. For a worker, its supervisor has done so.
 */
export function warnOfSettings(): void {
  if (workerProcess() !== undefined) return;
  singleton('settings.warnings', () => {
    const cut = existsSync('.env') ? cutFragments(readFileSync('.env', 'utf8')) : [];
    for (const warning of [...unknownSettings(), ...cut]) process.stderr.write(`${warning}\n`);
    return true;
  });
}

/** The tables of a full run that was interrupted, so that another can go on with it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CACHE } from './peers/install.ts';

const RESULTS = 'bench/RESULTS.md';
const sectionsSchema = z.array(z.tuple([z.string(), z.string()]));

/** The commit that is checked out. Undefined if anything but the results differs from it. */
export function readCommit(): string | undefined {
  const changes = git('status', '--porcelain', '--untracked-files=no', '--', '.', `:!${RESULTS}`);
  return changes === '' ? git('rev-parse', 'HEAD') : undefined;
}

/** The rendered tables of a commit by name, in the order in which they were measured. */
export function readSections(commit: string): [name: string, section: string][] {
  try {
    return sectionsSchema.parse(JSON.parse(readFileSync(fileOf(commit), 'utf8')));
  } catch {
    // No run of this commit has measured a table.
    return [];
  }
}

export function writeSections(commit: string, sections: ReadonlyMap<string, string>): void {
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(fileOf(commit), JSON.stringify([...sections]));
}

function fileOf(commit: string): string {
  return join(CACHE, `results-${commit}.json`);
}

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

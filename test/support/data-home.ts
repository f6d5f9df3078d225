import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/**
 * Each test file, and each server that it starts, has its databases in a new folder: never in that
 * of the person who runs the tests.
 */
const folder = join(tmpdir(), `chill-space-tests-${randomUUID()}`);
process.env.XDG_DATA_HOME = folder;

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

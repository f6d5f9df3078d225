/**
 * `node bench/database-load.ts <rows a second> <bytes a row> <seconds>`: writes to a new database
 * and prints the delays of the event loop, and how long rows take until they are on disk, as JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openStore } from '#lib/store/open-store';

/** What `bench/tables/database-writes.ts` reads. */
export interface DatabaseLoad {
  rows: number;
  /** Milliseconds. */
  loop: { p99: number; p999: number; max: number };
  onDisk: { p50: number; p99: number };
  /** Processor time of the main thread and its helpers, in microseconds. */
  cpuPerRow: number;
}

const TICK_MS = 5;

const [perSecond = 0, bytes = 0, seconds = 0] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'chill-space-database-'));
const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
const value = 'x'.repeat(bytes);
const times: number[] = [];
let rows = 0;

const delays = monitorEventLoopDelay({ resolution: 1 });
const cpuBefore = process.cpuUsage();
const began = performance.now();
delays.enable();
while (performance.now() - began < seconds * 1000) {
  const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
  for (; rows < due; rows++) {
    const asked = performance.now();
    const row = { name: `row ${rows}`, value, updated_at: rows, updated_by: 'bench' };
    void opened.write(opened.db.insertInto('settings').values(row)).then(() => times.push(performance.now() - asked));
  }
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
delays.disable();
await opened.flush();
const cpu = process.cpuUsage(cpuBefore);
await opened.close();
rmSync(folder, { recursive: true });

times.sort((one, other) => one - other);
const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
const ms = (percentile: number) => delays.percentile(percentile) / 1e6;
const load: DatabaseLoad = {
  rows: times.length,
  loop: { p99: ms(99), p999: ms(99.9), max: delays.max / 1e6 },
  onDisk: { p50: at(0.5), p99: at(0.99) },
  cpuPerRow: (cpu.user + cpu.system) / Math.max(1, times.length),
};
process.stdout.write(JSON.stringify(load));

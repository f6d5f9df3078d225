/**
 * Writes usage, keys, limits and changes of people, with the records of them, to the database in
 * the folder of its argument, until it is killed. Prints what is on disk: `usage` and how many
 * requests of this process, `key` and an id.
 */
import { randomUUID } from 'node:crypto';
import { actorOf } from '#lib/http/audit';
import { administrator } from '#lib/http/principal';
import { createKey } from '#lib/people/accounts/access-keys';
import { changeMember } from '#lib/people/accounts/member-change';
import { inRoleTransaction } from '#lib/people/accounts/role-changes';
import { PeopleLimits } from '#lib/people/limits/index';
import { LimitTable } from '#lib/people/limits/limit-table';
import { UsageTotals } from '#lib/people/usage/usage-totals';
import { UsageWriter } from '#lib/people/usage/usage-writer';
import { openStore } from '#lib/store/open-store';
import { person, usageEvent } from './usage.ts';

const [, , folder = ''] = process.argv;
const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
const print = (line: string) => process.stdout.write(`${line}\n`);
/** Fewer than a group may have. */
const KEYS_PER_GROUP = 50;
const PEOPLE = 40;

async function writeUsage(): Promise<never> {
  const totals = new UsageTotals({ now: Date.now });
  const writer = new UsageWriter({
    totals,
    open: async () => opened,
    statements: () => import('#lib/people/usage/usage-statements'),
    onError: (error) => {
      throw error;
    },
    onRefused: (error) => {
      throw error;
    },
  });
  for (let requests = PEOPLE; ; requests += PEOPLE) {
    for (let one = 0; one < PEOPLE; one++) totals.finished(usageEvent({ principal: person(`person-${one}`) }));
    await writer.flush();
    print(`usage ${requests}`);
  }
}

async function makeKeys(): Promise<never> {
  const maker = { userId: 'ada', role: 'admin' } as const;
  const actor = { caller: 'user:ada', name: 'Ada', address: undefined, requestId: undefined };
  for (;;) {
    const groupId = randomUUID();
    await opened.write(opened.db.insertInto('groups').values({ id: groupId, name: groupId, created_at: 1 }));
    for (let key = 0; key < KEYS_PER_GROUP; key++) {
      const { id } = await createKey(opened, { userId: null, groupId }, { name: `key ${key}` }, maker, actor);
      print(`key ${id}`);
    }
  }
}

const actor = {
  principal: administrator('user:ada', { userId: 'ada', name: 'Ada' }),
  address: undefined,
  requestId: '',
};

async function changeLimits(): Promise<never> {
  const table = new LimitTable({ environment: {}, hasAccounts: true });
  const limits = new PeopleLimits(table, async () => opened);
  await limits.load();
  for (let limit = 1; ; limit += 1) {
    const scope = { kind: 'user', id: `person-${limit % PEOPLE}` } as const;
    await limits.change(scope, () => ({ tokens_per_day: { limit, kind: 'hard' } }), actor);
    if (limit % 3 === 0) await limits.delete(scope, actor);
  }
}

async function changePeople(): Promise<never> {
  const now = new Date().toISOString();
  const userId = randomUUID();
  const values = { id: userId, name: 'Bob', email: userId, emailVerified: 1, image: null, role: 'member' };
  const times = { createdAt: now, updatedAt: now };
  await opened.write(opened.db.insertInto('users').values({ ...values, ...times, banReason: null, groupId: null }));
  for (let isDisabled = true; ; isDisabled = !isDisabled)
    await inRoleTransaction(opened, (queries) => changeMember(queries, actorOf(actor), userId, { isDisabled }));
}

await Promise.all([writeUsage(), makeKeys(), changeLimits(), changePeople()]);

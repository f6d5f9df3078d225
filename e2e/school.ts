import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type APIRequestContext, type Browser, type BrowserContext, type Page, request } from 'playwright/test';
import { type RunningApp, startApp } from '../test/support/running-app.ts';
import { test as base, expect } from './support.ts';

/** A server with accounts, from its first start on. One for the tests of a file. */
export interface School {
  app: RunningApp;
  /** The administrator's browser. */
  admin: BrowserContext;
}

export const ADMIN = { name: 'Ada Lovelace', email: 'ada@school.example', password: 'correct horse battery' };
export const GROUP = 'Physics';
export const STUDENT = { name: 'Grace Hopper', email: 'grace@school.example', password: 'unrelated words again' };

export const test = base.extend<Record<never, never>, { school: School }>({
  school: [({ browser }, use) => startSchool(browser, use), { scope: 'worker' }],
  baseURL: async ({ school }, use) => use(school.app.url),
});

/** The same with its administrator, a group and a student in it. */
export const schoolWithStudent = base.extend<Record<never, never>, { school: School }>({
  school: [({ browser }, use) => schoolWith({}, browser, use), { scope: 'worker' }],
  baseURL: async ({ school }, use) => use(school.app.url),
});

/** A server with an administrator, a group and a student, and with more settings. */
export async function schoolWith(
  env: Record<string, string>,
  browser: Browser,
  use: (school: School) => Promise<void>,
): Promise<void> {
  await startSchool(
    browser,
    async (school) => {
      await fill(school);
      await use(school);
    },
    env,
  );
}

async function startSchool(
  browser: Browser,
  use: (school: School) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'chill-people-'));
  const app = await startApp('server', { AUTH: 'accounts', DATA_DIR: folder, LOG_LEVEL: 'warn', ...env });
  const admin = await browser.newContext({ baseURL: app.url });
  await use({ app, admin });
  await admin.close();
  await app.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function fill({ app, admin }: School): Promise<void> {
  const post = async (request: APIRequestContext, path: string, data: object) => {
    const response = await request.post(path, { data, headers: { origin: app.url } });
    expect(response.ok(), path).toBe(true);
    return await response.json();
  };
  const setUp = /set-up: (\S+)/;
  await expect.poll(() => app.output()).toMatch(setUp);
  const token = new URL(setUp.exec(app.output())?.[1] ?? '').searchParams.get('token');
  await post(admin.request, '/api/setup', { token, ...ADMIN });
  await post(admin.request, '/api/admin/groups', { name: GROUP });
  const invitation = await post(admin.request, '/api/admin/invitations', {});
  const student = await request.newContext({ baseURL: app.url });
  await post(student, '/api/join', { token: invitation.token, ...STUDENT });
  await student.dispose();
}

export const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
export const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true });
export const heading = (page: Page, name: string) => page.getByRole('heading', { name, exact: true });

/** The first code element below a caption: a link, a key or a secret that is shown once. */
export const secret = (page: Page, section: string) =>
  page.getByRole('region', { name: section }).locator('code').first();

export async function fillPerson(page: Page, person: typeof ADMIN): Promise<void> {
  await field(page, 'Name').fill(person.name);
  const email = field(page, 'E-mail');
  if (await email.isEditable()) await email.fill(person.email);
  await field(page, 'Password').fill(person.password);
}

export async function signIn(page: Page, person: typeof ADMIN): Promise<void> {
  await field(page, 'E-mail').fill(person.email);
  await field(page, 'Password').fill(person.password);
  await button(page, 'Sign in').click();
}

export async function openAs(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(path);
  return page;
}

/** Invites people, and returns the link. */
export async function invite(page: Page, places: 'One person' | 'Several people'): Promise<string> {
  await page.goto('/admin/invitations?new=1');
  const dialog = page.getByRole('dialog', { name: 'New invitation' });
  await dialog.getByRole('button', { name: places }).click();
  await dialog.getByRole('button', { name: 'Create link' }).click();
  await expect(dialog).toBeHidden();
  return (await secret(page, 'Invitation created').textContent()) ?? '';
}

/** A code of RFC 6238 with its usual parameters. */
export function totp(secretText: string, nowMs: number): string {
  const bits = [...secretText.replaceAll(' ', '')]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(nowMs / 30_000)));
  const digest = createHmac('sha1', key).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 0xf;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

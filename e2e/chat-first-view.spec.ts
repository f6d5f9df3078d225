import type { Page } from 'playwright/test';
import { expect, saying, test } from './scripted.ts';
import { ask, freshQuestion, responseComplete, responses } from './support.ts';

/** What of React's fibers the count below reads. */
interface Fiber {
  tag: number;
  flags: number;
  stateNode: unknown;
  alternate: Fiber | null;
  child: Fiber | null;
  sibling: Fiber | null;
}

/**
 * Runs in the page before all else: counts the components within the turns of a chat that React
 * renders. React calls the hook of its development tools in every build.
 */
function countRenders(): void {
  const FUNCTION_TAGS = new Set([0, 11, 14, 15]);
  const PERFORMED_WORK = 1;
  const counted = { turns: 0 };
  Object.assign(window, { counted });
  const isTurns = (node: unknown) =>
    node instanceof HTMLOListElement && node.querySelector(':scope > [data-message]') !== null;
  const walk = (parent: Fiber, isInTurns: boolean) => {
    for (let fiber = parent.child; fiber !== null; fiber = fiber.sibling) {
      const isWithin = isInTurns || isTurns(fiber.stateNode);
      if (isWithin && FUNCTION_TAGS.has(fiber.tag) && (fiber.flags & PERFORMED_WORK) !== 0) counted.turns += 1;
      // What React has skipped keeps its children.
      if (fiber.alternate === null || fiber.child !== fiber.alternate.child) walk(fiber, isWithin);
    }
  };
  const nothing = () => undefined;
  Object.assign(window, {
    __REACT_DEVTOOLS_GLOBAL_HOOK__: {
      ...{ supportsFiber: true, renderers: new Map(), checkDCE: nothing, inject: () => 1 },
      ...{ onCommitFiberUnmount: nothing, onPostCommitFiberRoot: nothing },
      onCommitFiberRoot: (_id: number, root: { current: Fiber }) => walk(root.current, false),
    },
  });
}

const counted = (page: Page) => page.evaluate(() => Number(Reflect.get(Reflect.get(window, 'counted'), 'turns')));
const resetCount = (page: Page) => page.evaluate(() => Reflect.set(Reflect.get(window, 'counted'), 'turns', 0));

/** Two models, of which the first is the default. */
const TWO_MODELS = { models: ['test:latest', 'other:latest'].map((name) => ({ name, digest: name })) };

test.beforeEach(({ model }) => {
  model.setResponse('/api/tags', TWO_MODELS);
});
test.afterEach(({ model }) => {
  model.setResponse('/api/tags', undefined);
});

test('the list of models arrives without rendering a turn, and its choice counts at once', async ({ page, model }) => {
  model.play(saying('One.'));
  await page.addInitScript(countRenders);
  await page.goto('/');
  for (const place of [1, 2]) {
    await ask(page, freshQuestion('Say one word.'));
    await expect(responses(page)).toHaveCount(place);
    await responseComplete(page);
  }
  const held = Promise.withResolvers<void>();
  await page.route('**/api/models', async (route) => {
    await held.promise;
    await route.continue();
  });
  await page.reload();
  await expect(responses(page)).toHaveCount(2);
  expect(await counted(page)).toBeGreaterThan(4);
  // What follows a first view has been rendered.
  await expect(async () => {
    await resetCount(page);
    await page.waitForTimeout(500);
    expect(await counted(page)).toBe(0);
  }).toPass();
  held.resolve();
  const picker = page.getByRole('combobox', { name: 'Model', exact: true });
  await expect(picker).toContainText('test:latest');
  expect(await counted(page)).toBe(0);

  await picker.click();
  await page.getByRole('option', { name: 'other:latest' }).click();
  await expect(picker).toContainText('other:latest');
  const before = model.requests.length;
  await responses(page).last().getByRole('button', { name: 'Regenerate' }).click();
  await responseComplete(page);
  expect(model.requests.length).toBe(before + 1);
  expect(model.requests.at(-1)?.body).toMatchObject({ model: 'other:latest' });
});

test('the gauge of the context comes after the messages, in the space that was kept for it', async ({
  page,
  model,
}) => {
  model.play(saying('One.'));
  // The page is never idle until the test says so.
  await page.addInitScript(() => {
    const waiting = new Map<number, IdleRequestCallback>();
    let last = 0;
    window.requestIdleCallback = (callback) => {
      last += 1;
      waiting.set(last, callback);
      return last;
    };
    window.cancelIdleCallback = (handle) => void waiting.delete(handle);
    const becomeIdle = () => {
      for (const [handle, callback] of waiting) {
        waiting.delete(handle);
        callback({ didTimeout: false, timeRemaining: () => 50 });
      }
    };
    Object.assign(window, { becomeIdle });
  });
  await page.goto('/');
  await ask(page, freshQuestion('Say one word.'));
  await responseComplete(page);
  await page.reload();
  await expect(responses(page)).toHaveCount(1);
  await expect(page.getByRole('combobox', { name: 'Model', exact: true })).toContainText('test:latest');
  const place = page.locator('form [data-gauge]');
  await expect(place).toBeAttached();
  const gauge = page.getByRole('button', { name: /^Context used/ });
  await expect(gauge).toHaveCount(0);
  const before = await place.boundingBox();
  await page.evaluate(() => Reflect.get(window, 'becomeIdle')());
  await expect(gauge).toBeVisible();
  expect(await gauge.boundingBox()).toEqual(before);
  // What is opened later does not wait.
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await page.goBack();
  await expect(gauge).toBeVisible();
});

test('a chat that is opened by its address fetches what resumes a response, an empty one does not', async ({
  page,
  model,
}) => {
  model.play(saying('One.'));
  await page.goto('/');
  await ask(page, freshQuestion('Say one word.'));
  await responseComplete(page);
  const address = page.url();
  const scripts: Promise<string>[] = [];
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') scripts.push(response.text().catch(() => ''));
  });
  // The name of a header that only `chat-api.ts` sends.
  const canResume = async () => (await Promise.all(scripts)).some((script) => script.includes('"last-event-id"'));
  await page.goto(address);
  await expect(responses(page)).toHaveCount(1);
  await expect.poll(canResume).toBe(true);
  scripts.length = 0;
  await page.goto('/');
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeVisible();
  await page.waitForLoadState('networkidle');
  expect(scripts.length).toBeGreaterThan(3);
  expect(await canResume()).toBe(false);
});

/** Runs in a page of the same origin: a long conversation, as the app keeps it. */
async function seedLong(turns: number): Promise<void> {
  const messages = Array.from({ length: turns }, (_, place) => {
    const base = { conversationId: 'long', createdAt: place + 1, parentId: place === 0 ? null : `m${place - 1}` };
    const done = { role: 'assistant', state: 'done', source: 'model', thinking: '', content: `Answer ${place}.` };
    const question = { role: 'user', content: `Question ${place}?` };
    return { ...base, id: `m${place}`, ...(place % 2 === 0 ? question : done) };
  });
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open('chill-space');
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const writing = database.transaction(['conversations', 'messages'], 'readwrite');
  const times = { createdAt: 1, updatedAt: Date.now() };
  const settings = { model: null, systemPrompt: '', leafId: `m${turns - 1}` };
  writing.objectStore('conversations').put({ id: 'long', title: 'Long', ...times, ...settings });
  for (const message of messages) writing.objectStore('messages').put(message);
  await new Promise<void>((resolve, reject) => {
    writing.oncomplete = () => resolve();
    writing.onerror = () => reject(writing.error);
  });
  database.close();
}

test('the turns off the screen follow the first ones by themselves, and with a key', async ({ page }) => {
  const turns = 60;
  await page.goto('/');
  await expect(page.getByText('No chats yet', { exact: false }).first()).toBeVisible();
  await page.evaluate(seedLong, turns);
  await page.goto('/?c=long');
  await expect(page.getByRole('article')).toHaveCount(turns);
  await page.reload();
  await page.keyboard.press('Shift');
  await expect(page.getByRole('article')).toHaveCount(turns);
  await expect(page.getByText('Question 0?', { exact: true })).toBeAttached();
});

test('the messages need no script that the document does not list', async ({ page, model }) => {
  model.play(saying('One.'));
  await page.goto('/');
  await ask(page, freshQuestion('Say one word.'));
  await responseComplete(page);
  let listed = '';
  await page.route('**/?c=*', async (route) => {
    const response = await route.fetch();
    listed = `${response.headers().link} ${await response.text()}`;
    await route.fulfill({ response });
  });
  const held = Promise.withResolvers<void>();
  await page.route('**/_next/static/chunks/*.js', async (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1) ?? '';
    if (!listed.includes(name)) await held.promise;
    await route.continue();
  });
  await page.reload();
  await expect(responses(page)).toHaveCount(1);
  held.resolve();
  await page.unrouteAll({ behavior: 'wait' });
});

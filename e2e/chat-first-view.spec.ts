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

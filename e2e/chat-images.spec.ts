import { readFileSync } from 'node:fs';
import type { Page } from 'playwright/test';
import type { FaultyModelServer } from '../test/support/faulty-model-server.ts';
import { expect, saying, test } from './scripted.ts';
import { accessibilityFaults, ask, freshQuestion, responseComplete, responses } from './support.ts';

const MOON = 'public/icon-192.png';
const LARGE_MOON = 'public/icon-512.png';
const PNG = readFileSync(MOON);

interface Sent {
  think?: unknown;
  messages: { role: string; content: string; images?: string[] }[];
}

const lastSent = (model: FaultyModelServer) => model.requests.at(-1)?.body as Sent;
const attach = (page: Page, ...paths: string[]) => page.getByLabel('Files to attach').setInputFiles(paths);
const attached = (page: Page) => page.getByRole('list', { name: 'Images' });

/** The path of an image through the clipboard or a drag: a DataTransfer that holds the file. */
async function transferOf(page: Page, file: { name: string; type: string; bytes: Buffer }) {
  return page.evaluateHandle(
    ({ name, type, base64 }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.fromBase64(base64)], name, { type }));
      return transfer;
    },
    { name: file.name, type: file.type, base64: file.bytes.toString('base64') },
  );
}

test('images are chosen, shown, removed, sent, kept and sent again', async ({ page, model }) => {
  model.play(saying('A moon.'));
  await page.goto('/');
  await attach(page, MOON, LARGE_MOON);
  await expect(attached(page).getByRole('img')).toHaveCount(2);
  await page.getByRole('button', { name: 'Remove icon-512.png' }).click();
  await expect(attached(page).getByRole('img')).toHaveCount(1);
  await ask(page, freshQuestion('What is this?'));
  await responseComplete(page);
  const [image] = lastSent(model).messages.at(-1)?.images ?? [];
  const bytes = Buffer.from(image ?? '', 'base64');
  expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  expect(bytes.readUInt32BE(16)).toBe(192);

  await page.reload();
  const question = page.getByRole('article', { name: 'Question' });
  await question.getByRole('button', { name: 'Show icon-192.png' }).click();
  await expect(page.getByRole('dialog', { name: 'icon-192.png' }).getByRole('img')).toBeVisible();
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await ask(page, freshQuestion('And its colour?'));
  await responseComplete(page);
  expect(lastSent(model).messages.map(({ images }) => images?.length ?? 0)).toEqual([1, 0, 0]);
});

test('an image is pasted, another is dropped, and images alone are a question', async ({ page, model }) => {
  model.play(saying('Two.'));
  await page.goto('/');
  await expect(page.getByRole('button', { name: 'Attach files' })).toBeVisible();
  const file = { name: 'pasted.png', type: 'image/png', bytes: PNG };
  const clipboardData = await transferOf(page, file);
  await page
    .getByRole('textbox', { name: 'Message' })
    .evaluate(
      (field, transfer) =>
        field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true })),
      clipboardData,
    );
  await expect(attached(page).getByRole('img', { name: 'pasted.png' })).toBeVisible();
  const dataTransfer = await transferOf(page, { ...file, name: 'dropped.png' });
  const chat = page.getByRole('region', { name: 'Chat' });
  await chat.dispatchEvent('dragover', { dataTransfer });
  await expect(page.getByText('Drop images or text files here')).toBeVisible();
  await chat.dispatchEvent('drop', { dataTransfer });
  await expect(attached(page).getByRole('img')).toHaveCount(2);
  await expect(page.getByText('Drop images or text files here')).toHaveCount(0);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await responseComplete(page);
  expect(lastSent(model).messages).toMatchObject([{ content: '', images: [expect.any(String), expect.any(String)] }]);
  await expect(page.getByRole('complementary').getByRole('link', { name: 'pasted.png', exact: true })).toBeVisible();
});

/** How many images this browser keeps for questions that were not sent yet. */
function keptImages(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open('chill-space');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const counting = opening.result.transaction('attachments').objectStore('attachments').count();
          counting.onsuccess = () => {
            opening.result.close();
            resolve(counting.result);
          };
        };
      }),
  );
}

test('what is written and attached but not sent outlasts a reload, in its own chat', async ({ page, model }) => {
  model.play(saying('Yes.'));
  await page.goto('/');
  const title = freshQuestion('Home of a draft');
  await ask(page, title);
  await responseComplete(page);
  const box = page.getByRole('textbox', { name: 'Message' });
  await attach(page, MOON, LARGE_MOON);
  await expect(attached(page).getByRole('img')).toHaveCount(2);
  await box.fill('about the moons');
  await page.reload();
  await expect(attached(page).getByRole('img')).toHaveCount(2);
  await expect(attached(page).getByRole('img').first()).toHaveAccessibleName('icon-192.png');
  await expect(box).toHaveValue('about the moons');

  await page.getByRole('button', { name: 'New chat' }).first().click();
  await expect(box).toHaveValue('');
  await expect(attached(page)).toHaveCount(0);
  await attach(page, LARGE_MOON);
  await expect(attached(page).getByRole('img', { name: 'icon-512.png' })).toBeVisible();
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
  await page.getByRole('link', { name: 'Chat', exact: true }).click();
  await expect(attached(page).getByRole('img')).toHaveCount(1);
  await page.getByRole('complementary').getByRole('link', { name: title, exact: true }).click();
  await expect(attached(page).getByRole('img')).toHaveCount(2);
  await page.getByRole('button', { name: 'Remove icon-512.png' }).click();
  await page.reload();
  await expect(attached(page).getByRole('img')).toHaveCount(1);
  await expect.poll(() => keptImages(page)).toBe(2);

  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await responseComplete(page);
  expect(lastSent(model).messages.at(-1)).toMatchObject({ content: 'about the moons', images: [expect.any(String)] });
  await expect.poll(() => keptImages(page)).toBe(1);
  await page.reload();
  await responseComplete(page);
  await expect(page.getByRole('button', { name: /^Remove/ })).toHaveCount(0);
  await attach(page, MOON);
  await expect.poll(() => keptImages(page)).toBe(2);
  await page
    .getByRole('complementary')
    .getByRole('button', { name: `More for ${title}` })
    .click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(attached(page).getByRole('img', { name: 'icon-512.png' })).toBeVisible();
  await expect.poll(() => keptImages(page)).toBe(1);
});

test('two tabs that write in the same chat keep their own, and what a closed one left comes back', async ({
  page,
  context,
  model,
}) => {
  model.play(saying('Yes.'));
  const second = await context.newPage();
  for (const [tab, path, text] of [
    [page, MOON, 'of the first'],
    [second, LARGE_MOON, 'of the second'],
  ] as const) {
    await tab.goto('/');
    await attach(tab, path);
    await tab.getByRole('textbox', { name: 'Message' }).fill(text);
    await expect(attached(tab).getByRole('img')).toHaveCount(1);
  }
  // One that looks for what was left behind does not take what another is about to come back to.
  await second.reload();
  await page.reload();
  await expect(attached(page).getByRole('img', { name: 'icon-192.png' })).toBeVisible();
  await expect(attached(page).getByRole('img')).toHaveCount(1);
  await expect(page.getByRole('textbox', { name: 'Message' })).toHaveValue('of the first');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await responseComplete(page);
  expect(lastSent(model).messages.at(-1)?.images).toHaveLength(1);
  await second.reload();
  await expect(attached(second).getByRole('img', { name: 'icon-512.png' })).toBeVisible();
  await expect(second.getByRole('textbox', { name: 'Message' })).toHaveValue('of the second');
  await expect(attached(second).getByRole('img')).toHaveCount(1);
  await second.close();
  const third = await context.newPage();
  await third.goto('/');
  await expect(attached(third).getByRole('img', { name: 'icon-512.png' })).toBeVisible();
  await expect(third.getByRole('textbox', { name: 'Message' })).toHaveValue('of the second');
});

test('what cannot be attached is named with its reason, and what can be is', async ({ page }) => {
  await page.goto('/');
  const field = page.getByLabel('Files to attach');
  await field.setInputFiles({ name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
  await expect(page.getByRole('alert').filter({ hasText: 'broken.png can’t be read.' })).toBeVisible();
  await field.setInputFiles({ name: 'a.zip', mimeType: 'application/zip', buffer: Buffer.from('PK\0\0') });
  await expect(page.getByRole('alert').filter({ hasText: 'a.zip can’t be attached' })).toBeVisible();
  const many = Array.from({ length: 17 }, (_, index) => ({ name: `${index}.png`, mimeType: 'image/png', buffer: PNG }));
  await field.setInputFiles(many);
  await expect(page.getByRole('alert').filter({ hasText: 'up to 16 images' })).toBeVisible();
  await expect(attached(page).getByRole('img')).toHaveCount(16);
  expect(await accessibilityFaults(page)).toEqual([]);
});

test('a large photograph is reduced to the size that models use, and loses its location', async ({ page, model }) => {
  model.play(saying('Large.'));
  await page.goto('/');
  const base64 = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(5_000, 2_500);
    canvas.getContext('2d')?.fillRect(0, 0, 100, 100);
    const blob = await canvas.convertToBlob({ type: 'image/jpeg' });
    return new Uint8Array(await blob.arrayBuffer()).toBase64();
  });
  // An EXIF block with a text, as a camera writes it, behind the first mark.
  const plain = Buffer.from(base64, 'base64');
  const exif = Buffer.from('Exif\0\0GPS: 52.5N 13.4E');
  const length = Buffer.from([(exif.length + 2) >> 8, (exif.length + 2) & 255]);
  const photo = Buffer.concat([plain.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, exif, plain.subarray(2)]);
  await page.getByLabel('Files to attach').setInputFiles({ name: 'p.jpg', mimeType: 'image/jpeg', buffer: photo });
  await expect(attached(page).getByRole('img')).toBeVisible();
  await ask(page, freshQuestion('How large?'));
  await responseComplete(page);
  const sent = Buffer.from(lastSent(model).messages[0]?.images?.[0] ?? '', 'base64');
  expect(sent.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
  expect(sent.includes('GPS')).toBe(false);
  const shown = page.getByRole('article', { name: 'Question' }).getByRole('img', { name: 'p.jpg' });
  expect(await shown.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight])).toEqual([
    2_048, 1_024,
  ]);
});

test('how a model reasons is chosen for a chat, stays for it and new ones, and is sent', async ({ page, model }) => {
  model.play(saying('So.'));
  await page.goto('/');
  const choice = page.getByRole('combobox', { name: 'Thinking' });
  await ask(page, freshQuestion('Think'));
  await responseComplete(page);
  expect(lastSent(model).think).toBeUndefined();
  for (const [label, value] of [
    ['Always think', true],
    ['No thinking', false],
  ] as const) {
    await choice.click();
    await expect(page.getByRole('option')).toHaveText(['Model default', 'No thinking', 'Always think']);
    await page.getByRole('option', { name: label }).click();
    await ask(page, freshQuestion('Think'));
    await responseComplete(page);
    expect(lastSent(model).think).toBe(value);
  }
  await page.reload();
  await expect(choice).toHaveText('Thinking: off');
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await expect(choice).toHaveText('Thinking: off');
});

test('if the stop does not reach the model, the page says so and tries again', async ({ page, model }) => {
  model.play([...saying('Half an answer').slice(0, 1), 'hang']);
  await page.goto('/');
  await ask(page, freshQuestion('Stop'));
  await expect(responses(page).last()).toContainText('Half an answer');
  await page.route('**/api/chat-queue?*', (route) =>
    route.request().method() === 'DELETE' ? route.abort('connectionrefused') : route.continue(),
  );
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  const notice = responses(page).last().getByRole('alert');
  await expect(notice).toContainText('Could not stop the model. It may still be running.');
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.unroute('**/api/chat-queue?*');
  await notice.getByRole('button', { name: 'Retry stop' }).click();
  await expect(notice).toHaveCount(0);
  await model.idle();
});

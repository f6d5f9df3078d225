import { afterEach, expect, it } from 'vitest';
import { ChaosModels, parseQuestion, questionText } from './models.ts';
import { checkText } from './outcomes.ts';

let models: ChaosModels | undefined;

afterEach(async () => {
  await models?.close();
});

const QUESTION = { mark: 'q12', words: 4, paceMs: 5 };

async function ask(url: string, content: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}/api/chat`, {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content }] }),
  });
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return { status: response.status, text: lines.map((line) => JSON.parse(line).message.content).join('') };
}

it('reads a question as it was written, and nothing else', () => {
  expect(parseQuestion(questionText(QUESTION))).toEqual(QUESTION);
  expect(parseQuestion('How are you?')).toBeUndefined();
});

it('says what the question asks for, and counts its calls', async () => {
  models = await ChaosModels.start(2);
  const { text } = await ask(models.urls[1] ?? '', questionText(QUESTION));
  expect(checkText(text, 'q12', 4)).toBe('whole');
  await expect.poll(() => models?.calls.get('q12')).toMatchObject([{ server: 1, isWhole: true }]);
  expect((await ask(models.urls[0] ?? '', 'What is this?')).status).toBe(400);
});

it('cuts its calls when it is ended, and serves again at its address', async () => {
  models = await ChaosModels.start(1);
  const [url = ''] = models.urls;
  const cut = ask(url, questionText({ ...QUESTION, words: 1_000 })).catch(() => 'cut');
  await expect.poll(() => models?.calls.get('q12')?.length).toBe(1);
  await models.stop(0);
  expect(await cut).toBe('cut');
  await models.restart(0);
  expect((await ask(url, questionText(QUESTION))).status).toBe(200);
  await expect.poll(() => models?.calls.get('q12')?.map(({ isWhole }) => isWhole)).toEqual([false, true]);
});

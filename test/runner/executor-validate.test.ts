import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runner } from '#lib/runner/index';
import { resetSingleton } from '#lib/singletons';
import { validateResultSchema } from '#lib/wire/executor';
import { POST } from '../../app/api/executors/[language]/validate/route.ts';

beforeAll(() => {
  process.env.RATE_LIMIT_CODE = '0';
  resetSingleton('config');
});
afterAll(async () => {
  await runner().close();
  delete process.env.RATE_LIMIT_CODE;
  resetSingleton('config');
});

async function validate(language: string, body: object): Promise<{ status: number; body: unknown }> {
  const request = new Request(`http://localhost:3000/api/executors/${language}/validate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const response = await POST(request, { params: Promise.resolve({ language }), peerAddress: '127.0.0.1' });
  return { status: response.status, body: await response.json() };
}

describe('an executor that validates', () => {
  it('responds with errors and warnings, and 200 for either', async () => {
    const good = await validate('py', { code: 'while True: print("ran")' });
    expect(good).toEqual({ status: 200, body: { isValid: true, errors: [], warnings: [] } });
    const bad = await validate('js', { code: 'let a = 1;\nlet a = 2;' });
    expect(bad.status).toBe(200);
    expect(validateResultSchema.parse(bad.body)).toEqual({
      isValid: false,
      errors: [{ line: 2, column: 5, message: "SyntaxError: Identifier 'a' has already been declared" }],
      warnings: [],
    });
  });

  it('refuses what is no program of a language that is there', async () => {
    expect(await validate('python', { code: '' })).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(await validate('python', {})).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(await validate('python', { code: 'x'.repeat(50_001) })).toMatchObject({
      status: 413,
      body: { code: 'code_too_large' },
    });
    expect(await validate('cobol', { code: 'x' })).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

import { describe, expect, it } from 'vitest';
import { redactErrorBody } from '#lib/models/forwarding';

const redact = (text: string) => text.replaceAll('secret', '(hidden)');

describe('the error body of a model server', () => {
  it('keeps its shape, its numbers and its other texts', () => {
    const body = { error: { message: 'no', code: 404, details: [{ at: null, ok: false }] } };
    expect(JSON.parse(redactErrorBody(JSON.stringify(body), redact))).toEqual(body);
  });

  it('loses secrets in every text and name, at any depth', () => {
    const body = { error: { message: 'the secret', secret: [{ deep: 'secret' }] } };
    expect(redactErrorBody(JSON.stringify(body), redact)).not.toContain('secret');
  });

  it('is one text where it is not JSON', () => {
    expect(redactErrorBody('404 secret not found', redact)).toBe('404 (hidden) not found');
  });

  it('is cut where it is nested without end', () => {
    const deep = '['.repeat(60) + ']'.repeat(60);
    expect(redactErrorBody(deep, redact)).toBe('[[[[[[[[null]]]]]]]]');
  });
});

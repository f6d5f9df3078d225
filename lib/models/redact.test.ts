import { describe, expect, it } from 'vitest';
import { redact } from '#lib/models/redact';

describe('redact', () => {
  it.each([
    ['Post "http://127.0.0.1:41235/completion": EOF', 'Post "(address)": EOF'],
    ['dial tcp 10.0.0.5:443: connect: connection refused', 'dial tcp (address) connect: connection refused'],
    ['dial tcp [fd00::12]:443: i/o timeout', 'dial tcp (address) i/o timeout'],
    ['lookup gpu-a.lan on 10.0.0.1:53: no such host', 'lookup (address) on (address): no such host'],
    ['connect ECONNREFUSED 192.168.1.4:8000', 'connect ECONNREFUSED (address)'],
    ['see http://gpu-a:8000/v1 and http://llm.internal/', 'see (address) and (address)'],
    ['https://user:geheim@api.example.com/v1 says no', 'https://api.example.com/v1 says no'],
    ['Incorrect API key provided: sk-proj-abc*****wxyz.', 'Incorrect API key provided: (key)'],
    ['Authorization: Bearer abc.def/ghi+jkl==', 'Authorization: (key)'],
    ['key AIzaSyA1234567890abcdefg of AKIAIOSFODNN7EXAMPLE', 'key (key) of (key)'],
    ['open /root/.ollama/models/x.gguf: permission denied', 'open (path): permission denied'],
    ['open C:\\Users\\me\\x.gguf', 'open (path)'],
    ['two\n\tlines', 'two lines'],
  ])('shows %j without what is not for callers', (text, shown) => expect(redact(text)).toBe(shown));

  it.each([
    'model requires more system memory (5.6 GiB) than is available (2.0 GiB)',
    'You can find your API key at https://platform.openai.com/account/api-keys.',
    "This model's maximum context length is 8192 tokens. Skip the keyboard-layouts.",
    'model "llama3.2:3b" not found, try pulling it first',
  ])('shows %j as it is', (text) => expect(redact(text)).toBe(text));

  it('hides the given secrets, and shortens the text', () => {
    expect(redact('at gpu.example.com with pa55word', ['gpu.example.com', 'pa55word'])).toBe(
      'at (hidden) with (hidden)',
    );
    expect(redact('x'.repeat(1_000_000))).toHaveLength(300);
  });
});

import { expect, it } from 'vitest';
import { usageCsv } from '#lib/people/usage/usage-csv';
import { usageReport } from '#lib/people/usage/usage-report';

function csvOf(models: readonly string[]): string[] {
  const question = { from: 20261101, to: 20261130, groupBy: ['day', 'model'], filter: {} } as const;
  const rows = models.map((model) => ({
    by_day: 20261129,
    by_model: model,
    requests: '12',
    cached: 4,
    code_cpu_ms: null,
  }));
  return [...usageCsv(usageReport(question, rows))];
}

it('writes a line for each row, with the names of the columns first', () => {
  expect(csvOf(['llama3:8b']).join('')).toBe(
    'day,model,requests,cached,joined,prompt_tokens,completion_tokens,tokens_saved,generation_ms,queue_ms,errors,code_runs,code_cpu_ms\r\n' +
      '2026-11-29,llama3:8b,12,4,0,0,0,0,0,0,0,0,0\r\n',
  );
});

it.each([
  ['=HYPERLINK("http://evil.example","x")', '"\'=HYPERLINK(""http://evil.example"",""x"")"'],
  ['+1', "'+1"],
  ['-1+cmd|x', "'-1+cmd|x"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\tx', "'\tx"],
  ['a,b', '"a,b"'],
  ['a"b', '"a""b"'],
  ['a\nb', '"a\nb"'],
])('writes %j so that no spreadsheet runs it', (model, cell) => {
  expect(csvOf([model])[1]).toBe(`2026-11-29,${cell},12,4,0,0,0,0,0,0,0,0,0\r\n`);
});

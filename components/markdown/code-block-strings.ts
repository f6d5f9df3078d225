export const CODE_BLOCK_STRINGS = {
  code: 'Code',
  plainText: 'text',
  run: 'Run',
  runNow: 'Run now',
  stop: 'Stop',
  retry: 'Retry',
  copy: 'Copy',
  openPlayground: 'Open in playground',
  cannotRun: (language: string) =>
    `${language} can’t run in the browser. You can run this when the code runner is back.`,
  runnerIsBack: 'The code runner is back.',
} as const;

/** These sentences report the state of the model and of the code runner. */
export const SERVICE_STRINGS = {
  offline: 'You’re offline.',
  signedOut: 'Sign in to see the models.',
  loadingModels: 'Loading models…',
  noModel: 'No model is installed. Ask your administrator.',
  noModelForYou: 'No model is available to you: ask your administrator.',
  modelServerAway: 'The model server is not answering. Ask your administrator.',
  loaded: 'loaded',
  loadsOnUse: 'ready · loads on first use',
  model: (id: string, state: string) => `${id} · ${state}`,
  embeddedModel: (id: string, state: string) => `${id} · small built-in model · ${state}`,
  checkingRunner: 'Checking the code runner…',
  runnerAway: 'Code runner unavailable. Retrying…',
  noSandbox: 'Programs can’t run on this server. Ask your administrator.',
  languages: (count: number) => (count === 1 ? '1 language' : `${count} languages`),
  runner: (languages: string, sandbox: string) => `${languages} · ${sandbox}`,
  runnerWithoutSandbox: (languages: string) => `${languages} · no sandbox: run only code that you trust`,
} as const;

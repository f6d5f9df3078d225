import { formatCount } from '#lib/browser/format';
import type { KeyScope, PersonRole } from '#lib/wire/people';

const ROLE_NAMES: Record<PersonRole, string> = { admin: 'Administrator', manager: 'Manager', member: 'Member' };

const ROLE_HINTS: Record<PersonRole, string> = {
  admin: 'Manages people, models and settings of this server.',
  manager: 'Manages the people, invitations and limits of the group.',
  member: 'Uses this server.',
};

const SCOPE_NAMES: Record<KeyScope, string> = {
  chat: 'Chat',
  code: 'Run code',
  gateway: 'Gateway',
  stats: 'Statistics',
  admin: 'Administration',
};

const SCOPE_HINTS: Record<KeyScope, string> = {
  chat: 'Chat, completions and embeddings.',
  code: 'Run programs in the sandbox.',
  gateway: 'Call the private backend.',
  stats: 'Read the server’s figures.',
  admin: 'Manage people, models and settings.',
};

/** The names of limits, and the unit of their figures. */
const LIMITS: Record<string, { label: string; unit: string }> = {
  tokens_per_day: { label: 'Tokens a day', unit: 'tokens' },
  tokens_per_month: { label: 'Tokens a month', unit: 'tokens' },
  requests_per_minute: { label: 'Chat requests a minute', unit: 'requests' },
  code_runs_per_minute: { label: 'Code runs a minute', unit: 'runs' },
  code_seconds_per_day: { label: 'Code CPU time a day', unit: 'seconds' },
  concurrent_requests: { label: 'Requests at a time', unit: 'requests' },
  context_tokens: { label: 'Longest context', unit: 'tokens' },
  output_tokens: { label: 'Longest response', unit: 'tokens' },
};

/** Rows of usage that belong to none. */
const NO_NAMES = {
  day: '–',
  model: 'Code runs',
  key: 'Signed in on a page',
  user: 'Without an account',
  group: 'Without a group',
} as const;

/** The pages of accounts and of the administration share these. */
export const PEOPLE_STRINGS = {
  role: (role: PersonRole) => ROLE_NAMES[role],
  roleHint: (role: PersonRole) => ROLE_HINTS[role],
  scope: (scope: KeyScope) => SCOPE_NAMES[scope],
  scopeHint: (scope: KeyScope) => SCOPE_HINTS[scope],

  name: 'Name',
  email: 'E-mail',
  password: 'Password',
  newPassword: 'New password',
  passwordHint: (least: number) => `At least ${least} characters. A few unrelated words are good.`,
  showPassword: 'Show password',
  hidePassword: 'Hide password',
  passwordTooShort: (least: number) => `Use at least ${least} characters.`,
  optional: 'optional',

  retry: 'Retry',
  loading: 'Loading…',
  saving: 'Saving…',
  save: 'Save',
  done: 'Done',
  undo: 'Undo',
  loadMore: 'Load more',
  loadingMore: 'Loading…',
  never: 'Never',
  copy: 'Copy',
  more: (name: string) => `More for ${name}`,
  notAllowed: 'You may not do this. Ask your administrator.',
  failed: 'The server could not do this. Try again, or ask your administrator.',

  usage: {
    range: 'Period',
    ranges: { '7': '7 days', '30': '30 days', '90': '90 days', '365': '1 year' },
    by: 'Group by',
    groups: { day: 'Day', model: 'Model', key: 'Key', user: 'Person', group: 'Group' },
    second: 'Then by',
    secondNone: 'No second group',
    secondBy: (group: string) => `Then by ${group.toLowerCase()}`,
    tokensPerDay: 'Tokens a day',
    usedTokens: 'Tokens',
    generated: 'Used',
    saved: 'Saved by the cache',
    requests: 'Requests',
    cached: 'From cache',
    joined: 'Joined',
    promptTokens: 'Prompt tokens',
    completionTokens: 'Output tokens',
    tokensSaved: 'Tokens saved',
    generation: 'Generation',
    queue: 'In queue',
    errors: 'Errors',
    codeRuns: 'Code runs',
    codeCpu: 'Code CPU time',
    total: 'Whole period',
    empty: 'No requests in this period.',
    caption: (groups: readonly string[]) => `Usage by ${groups.join(' and ').toLowerCase()}`,
    csv: 'Download CSV',
    noName: (by: keyof typeof NO_NAMES) => NO_NAMES[by],
    allTokens: (prompt: string, output: string) => `${prompt} prompt, ${output} output`,
    savedShare: (percent: string) => `${percent} of all tokens`,
    codeRunsUnit: (count: string) => `${count} runs`,
    failedRequests: (count: string) => `${count} failed`,
  },

  limits: {
    label: (name: string) => LIMITS[name]?.label ?? name.replaceAll('_', ' '),
    unit: (name: string) => LIMITS[name]?.unit,
    figures: (name: string, used: string, limit: string) => {
      const unit = LIMITS[name]?.unit;
      return `${used} of ${limit}${unit === undefined ? '' : ` ${unit}`}`;
    },
    resets: (when: string) => `Resets ${when}`,
    share: 'share',
    shareHint: 'Over a share, requests are not refused. They wait behind those of people within theirs.',
    overShare: (percent: string) => `You have used ${percent} of your share. Your requests wait behind others’.`,
    reached: 'Reached',
    over: (percent: string) => `${percent} used`,
  },

  keys: {
    create: 'Create key',
    creating: 'Creating…',
    title: 'New key',
    nameHint: 'Where it is used, for example “Editor on my laptop”.',
    expires: 'Expires',
    expiries: { '7': 'In 7 days', '30': 'In 30 days', '90': 'In 90 days', '365': 'In 1 year', never: 'Never' },
    scopes: 'May be used for',
    noScope: 'Choose at least one.',
    models: 'Models',
    allModels: 'All models',
    someModels: 'Only these',
    noModels: 'No model is available.',
    chooseModel: 'Choose at least one model.',
    limits: 'Limits',
    limitsHint: 'Empty: as for its group.',
    ownLimitsHint: 'In addition to yours. Empty: none of its own.',
    mostLimit: (most: number, unit: string | undefined) => `${unit ?? ''}, at most ${formatCount(most)}`,
    wrongLimit: 'Enter a whole number.',
    aboveOwn: (most: number) => `At most your own limit of ${formatCount(most)}.`,
    created: 'Key created',
    copyNow: 'Copy the key now. It is not shown again.',
    keyLabel: 'Key',
    copyKey: 'Copy key',
    example: 'Try it',
    copyExample: 'Copy example',
    columns: { name: 'Name', key: 'Key', scopes: 'For', models: 'Models', expires: 'Expires', lastUsed: 'Last used' },
    expired: 'Expired',
    neverUsed: 'Never used',
    lastUsed: (when: string) => `Used ${when}`,
    expiresOn: (when: string) => `Expires ${when}`,
    noExpiry: 'Never expires',
    endUsers: 'Names its users',
    modelCount: (count: number) => (count === 1 ? '1 model' : `${count} models`),
    usage: 'Usage',
    usageOf: (name: string) => `Usage of ${name}`,
    limitsOf: (name: string) => `Limits of ${name}`,
    limitsSaved: (name: string) => `Limits of ${name} were saved.`,
    limitsUndone: (name: string) => `Limits of ${name} are as before.`,
    limitCount: (count: number) => (count === 1 ? '1 limit' : `${count} limits`),
    revoke: 'Revoke',
    revokeKey: (name: string) => `Revoke ${name}`,
    confirmTitle: (name: string) => `Revoke “${name}”?`,
    confirm: 'Programs that use this key stop working at once. This can’t be undone.',
    revoked: (name: string) => `“${name}” was revoked.`,
    keep: 'Keep',
  },
} as const;

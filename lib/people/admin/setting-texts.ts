import type { RuntimeSettingName } from '#lib/config/runtime-settings';
import type { RuntimeSetting } from '#lib/wire/people-admin';

type SettingText = Pick<
  RuntimeSetting,
  'group' | 'label' | 'description' | 'kind' | 'choices' | 'choice_names' | 'unit'
>;

const RATE_UNIT = 'a minute';
const DEFAULT_LIMITS = 'Limits of everyone';
const NO_LIMIT = '0 is no limit.';

/** What administrators read of each setting. */
export const SETTING_TEXTS: Readonly<Record<RuntimeSettingName, SettingText>> = {
  OLLAMA_MODEL: {
    group: 'Models',
    label: 'Default model',
    description: 'Answers requests that name no model. If no server has it, a loaded model does, or the first one.',
    kind: 'model',
  },
  OLLAMA_SYSTEM_PROMPT: {
    group: 'Models',
    label: 'System prompt',
    description: 'For requests without one. A model may have its own.',
    kind: 'long_text',
  },
  DROP_PARAMS: {
    group: 'Models',
    label: 'Leave out fields that a model server does not support',
    description: 'Otherwise such a request is refused.',
    kind: 'boolean',
  },
  SIGN_UP: {
    group: 'Joining',
    label: 'Who may make an account',
    description: 'Accounts that exist stay as they are.',
    kind: 'choice',
    choices: ['closed', 'invite', 'open'],
    choice_names: {
      closed: 'No one',
      invite: 'People with an invitation',
      open: 'Everyone who reaches this server',
    },
  },
  SIGN_UP_DOMAINS: {
    group: 'Joining',
    label: 'Domains of e-mail addresses',
    description: 'Separated by commas; empty is all. Addresses are not verified.',
    kind: 'text',
  },
  RATE_LIMIT_CHAT: {
    group: 'Rate limits',
    label: 'Chat requests',
    description: 'For each person, key or address. 0 is no limit.',
    kind: 'number',
    unit: RATE_UNIT,
  },
  RATE_LIMIT_EMBEDDINGS: {
    group: 'Rate limits',
    label: 'Embedding requests',
    description: 'Of any number of inputs. 0 is no limit.',
    kind: 'number',
    unit: RATE_UNIT,
  },
  RATE_LIMIT_CODE: {
    group: 'Rate limits',
    label: 'Code runs',
    description: '0 is no limit.',
    kind: 'number',
    unit: RATE_UNIT,
  },
  RATE_LIMIT_CHECKS: {
    group: 'Rate limits',
    label: 'Checks of programs',
    description: 'The editor makes them while someone types. 0 is no limit.',
    kind: 'number',
    unit: RATE_UNIT,
  },
  LIMIT_KIND: {
    group: DEFAULT_LIMITS,
    label: 'Over a limit of tokens',
    description: 'What happens to requests of someone who has used up the tokens of the day or the month.',
    kind: 'choice',
    choices: ['share', 'hard'],
    choice_names: { share: 'They wait behind those of others', hard: 'They are refused until the reset' },
  },
  LIMIT_TOKENS_PER_DAY: {
    group: DEFAULT_LIMITS,
    label: 'Tokens a day',
    description: 'Of prompts and responses, for each person without another limit. 0 is no limit.',
    kind: 'number',
  },
  LIMIT_TOKENS_PER_MONTH: {
    group: DEFAULT_LIMITS,
    label: 'Tokens a month',
    description: NO_LIMIT,
    kind: 'number',
  },
  LIMIT_REQUESTS_PER_MINUTE: {
    group: DEFAULT_LIMITS,
    label: 'Chat requests',
    description: 'The stricter one of this and the rate limit applies. 0 is no limit.',
    kind: 'number',
    unit: RATE_UNIT,
  },
  LIMIT_CODE_RUNS_PER_MINUTE: {
    group: DEFAULT_LIMITS,
    label: 'Code runs',
    description: 'The stricter one of this and the rate limit applies. 0 is no limit.',
    kind: 'number',
    unit: RATE_UNIT,
  },
  LIMIT_CODE_SECONDS_PER_DAY: {
    group: DEFAULT_LIMITS,
    label: 'CPU time of programs',
    description: NO_LIMIT,
    kind: 'number',
    unit: 'seconds a day',
  },
  LIMIT_CONCURRENT_REQUESTS: {
    group: DEFAULT_LIMITS,
    label: 'Requests at a time',
    description: 'Waiting or running. 0 is no limit.',
    kind: 'number',
  },
  LIMIT_CONTEXT_TOKENS: {
    group: DEFAULT_LIMITS,
    label: 'Context of a request',
    description: 'A larger one is lowered to this. 0 is no limit.',
    kind: 'number',
    unit: 'tokens',
  },
  LIMIT_OUTPUT_TOKENS: {
    group: DEFAULT_LIMITS,
    label: 'Length of a response',
    description: 'A larger one is lowered to this. 0 is no limit.',
    kind: 'number',
    unit: 'tokens',
  },
  USAGE_RETENTION_DAYS: {
    group: 'Retention',
    label: 'Usage',
    description: 'Older usage is deleted within the hour, and does not come back.',
    kind: 'number',
    unit: 'days',
  },
  AUDIT_RETENTION_DAYS: {
    group: 'Retention',
    label: 'Audit log',
    description: 'Older entries are deleted within the hour, and do not come back.',
    kind: 'number',
    unit: 'days',
  },
};

import type { RuntimeSettingName } from '#lib/config/runtime-settings';
import type { RuntimeSetting } from '#lib/wire/people-admin';

type SettingText = Pick<RuntimeSetting, 'group' | 'label' | 'description' | 'kind' | 'choices' | 'unit'>;

const RATE_UNIT = 'a minute';

/** What administrators read of each setting. */
export const SETTING_TEXTS: Readonly<Record<RuntimeSettingName, SettingText>> = {
  OLLAMA_MODEL: {
    group: 'Models',
    label: 'Default model',
    description: 'For requests that name none. If no server has it: a loaded model, or the first one.',
    kind: 'model',
  },
  OLLAMA_SYSTEM_PROMPT: {
    group: 'Models',
    label: 'System prompt',
    description: 'For requests that bring none. A model may have its own.',
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
    description: 'invite is who has a link, open is everyone who reaches this server.',
    kind: 'choice',
    choices: ['closed', 'invite', 'open'],
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
};

import type { Operation } from '#lib/openapi/operation';
import { PAGE_PARAMETERS } from '#lib/openapi/people-parameters';

/** What administrators change while the server runs: models, settings and the banner. */

const MODEL = 'smollm2:135m';

export const SERVER_CHANGE_OPERATIONS: readonly Operation[] = [
  {
    id: 'adminModels',
    tag: 'Administration',
    path: '/api/admin/models',
    method: 'get',
    summary: 'List the models with what administrators changed',
    description: 'For administrators. Hidden models are among them. By their ids.',
    access: 'key',
    parameters: PAGE_PARAMETERS,
    responses: {
      200: {
        description: 'A page of the models of all servers.',
        content: { 'application/json': { schema: 'AdminModels' } },
      },
    },
    errorCodes: ['invalid_request', 'forbidden', 'provider_unavailable', 'shutting_down'],
    examples: [{ summary: 'All models' }],
  },
  {
    id: 'changeAdminModel',
    tag: 'Administration',
    path: '/api/admin/models',
    method: 'patch',
    summary: 'Change, load or unload a model',
    description:
      'For administrators. Changes what is named; null restores what the server would do. A hidden model is not listed, and requests that name it are refused; a model with `access` is neither to callers whom that leaves out. `parameters` hold where a request sets no such option. To download and to delete models, see the group Ollama.',
    access: 'key',
    body: { schema: 'AdminModelChange' },
    responses: { 200: { description: 'The model.', content: { 'application/json': { schema: 'AdminModel' } } } },
    errorCodes: [
      'forbidden',
      'model_not_found',
      'conflict',
      'unsupported_value',
      'model_load_failed',
      'upstream_failed',
      'upstream_timeout',
      'provider_unavailable',
      'not_saved',
      'shutting_down',
    ],
    examples: [
      { summary: 'Another name for people', body: { model: MODEL, display_name: 'Small model' } },
      { summary: 'A parameter', body: { model: MODEL, parameters: { temperature: 0.2 } } },
      { summary: 'For everyone', body: { model: MODEL, access: null, parameters: null } },
    ],
  },
  {
    id: 'settings',
    tag: 'Administration',
    path: '/api/admin/settings',
    method: 'get',
    summary: 'List the settings that may change while the server runs',
    description: 'For administrators. What the environment sets is `locked`.',
    access: 'key',
    responses: {
      200: {
        description: 'Settings with their source.',
        content: { 'application/json': { schema: 'RuntimeSettings' } },
      },
    },
    errorCodes: ['forbidden', 'not_saved'],
    examples: [{ summary: 'All of them' }],
  },
  {
    id: 'changeSettings',
    tag: 'Administration',
    path: '/api/admin/settings',
    method: 'patch',
    summary: 'Change settings',
    description: 'For administrators. All named settings or none; null restores a default. The change holds at once.',
    access: 'key',
    body: { schema: 'SettingsChange' },
    responses: {
      200: {
        description: 'Settings with their source.',
        content: { 'application/json': { schema: 'RuntimeSettings' } },
      },
    },
    errorCodes: ['forbidden', 'unsupported_value', 'not_saved'],
    examples: [{ summary: 'The default of one', body: { RATE_LIMIT_EMBEDDINGS: null } }],
  },
  {
    id: 'banner',
    tag: 'Administration',
    path: '/api/admin/banner',
    method: 'get',
    summary: 'Get the message to everyone',
    access: 'key',
    responses: { 200: { description: 'The message.', content: { 'application/json': { schema: 'BannerState' } } } },
    examples: [{ summary: 'The message' }],
  },
  {
    id: 'showBanner',
    tag: 'Administration',
    path: '/api/admin/banner',
    method: 'put',
    summary: 'Show everyone a message',
    description: 'For administrators. It stands on top of every page.',
    access: 'key',
    body: { schema: 'Banner' },
    responses: { 200: { description: 'The message.', content: { 'application/json': { schema: 'BannerState' } } } },
    errorCodes: ['forbidden', 'not_saved'],
    examples: [{ summary: 'A warning', body: { text: 'The server restarts at 17:00.', kind: 'warn' } }],
  },
  {
    id: 'removeBanner',
    tag: 'Administration',
    path: '/api/admin/banner',
    method: 'delete',
    summary: 'Remove the message to everyone',
    description: 'For administrators.',
    access: 'key',
    responses: { 204: { description: 'There is no message.' } },
    errorCodes: ['forbidden', 'not_saved'],
    examples: [{ summary: 'No message' }],
  },
];

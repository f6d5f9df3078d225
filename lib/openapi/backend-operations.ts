import type { Operation } from '#lib/openapi/operation';
import { ID_PARAMETER, PAGE_PARAMETERS } from '#lib/openapi/people-parameters';

/** The gateway's backends, as administrators change them while the server runs. */

const PATH = '/api/admin/backends';
/** An address for documentation (RFC 5737), where nothing is. */
const URL = 'http://192.0.2.10:8000';
/** Its id, once the example of `addBackend` has added it: the other examples say so. */
const EXAMPLE_ID = { id: 'F_pe6FQeEmTvqb5P' };
const ONE = { description: 'The backend.', content: { 'application/json': { schema: 'AdminBackend' } } } as const;

export const BACKEND_OPERATIONS: readonly Operation[] = [
  {
    id: 'adminBackends',
    tag: 'Administration',
    path: PATH,
    method: 'get',
    summary: "List the gateway's backends",
    description: 'For administrators. Those of the environment come first.',
    access: 'key',
    parameters: PAGE_PARAMETERS,
    responses: { 200: { description: 'A page.', content: { 'application/json': { schema: 'AdminBackends' } } } },
    errorCodes: ['invalid_request', 'forbidden', 'not_saved'],
    examples: [{ summary: 'All backends' }],
  },
  {
    id: 'addBackend',
    tag: 'Administration',
    path: PATH,
    method: 'post',
    summary: 'Add a backend to the gateway',
    description:
      'For administrators. It gets requests at once, and after a restart. It never gets `HF_TOKEN`, which is for backends of the environment alone.',
    access: 'key',
    body: { schema: 'NewBackend' },
    responses: { 201: ONE },
    errorCodes: ['forbidden', 'conflict', 'not_saved'],
    examples: [{ summary: 'A backend', body: { url: URL } }],
  },
  {
    id: 'adminBackend',
    tag: 'Administration',
    path: `${PATH}/[id]`,
    method: 'get',
    summary: 'Get a backend of the gateway',
    description: 'For administrators.',
    access: 'key',
    parameters: [ID_PARAMETER],
    responses: { 200: ONE },
    errorCodes: ['forbidden', 'not_found', 'not_saved'],
    examples: [{ summary: 'The backend that the example of addBackend adds', path: EXAMPLE_ID }],
  },
  {
    id: 'changeBackend',
    tag: 'Administration',
    path: `${PATH}/[id]`,
    method: 'patch',
    summary: 'Drain a backend, or end that',
    description:
      'For administrators. A draining backend gets no new requests, and those in flight end. While all backends drain, requests get 503.',
    access: 'key',
    parameters: [ID_PARAMETER],
    body: { schema: 'BackendChange' },
    responses: { 200: ONE },
    errorCodes: ['forbidden', 'not_found', 'not_saved'],
    examples: [
      { summary: 'Drain the backend that the example of addBackend adds', path: EXAMPLE_ID, body: { draining: true } },
    ],
  },
  {
    id: 'removeBackend',
    tag: 'Administration',
    path: `${PATH}/[id]`,
    method: 'delete',
    summary: 'Remove an added backend',
    description:
      'For administrators. Its requests in flight end, and its WebSockets are closed. One of the environment is removed there.',
    access: 'key',
    parameters: [ID_PARAMETER],
    responses: { 204: { description: 'It gets no requests any more.' } },
    errorCodes: ['forbidden', 'not_found', 'unsupported_value', 'not_saved'],
    examples: [{ summary: 'Remove the backend that the example of addBackend adds', path: EXAMPLE_ID }],
  },
];

/** What reads a response from the server, as one piece of code. */
export { cancelResponse, requestResponse, resumeResponse } from './chat-api.ts';
export { followResponse } from './follow-response.ts';

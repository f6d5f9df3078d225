import { ApiError, request } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { SIGN_IN_PATH } from '#lib/browser/sign-in-url';
import { showToast } from '#lib/browser/toasts';
import { SHELL_STRINGS } from './strings.ts';

/** `none`: the server has no keys, so there is nothing to sign in to. */
export type Account = 'none' | 'signed_in' | 'signed_out';

/** Ends the session and opens the sign-in page. The conversations stay in the browser. */
export async function signOut(): Promise<void> {
  try {
    await request(`${API_BASE}/api/session`, { method: 'DELETE' });
  } catch (error) {
    // An ended session needs no sign-out.
    if (!(error instanceof ApiError) || error.status !== 401) {
      showToast({ text: SHELL_STRINGS.signOutFailed, kind: 'error', id: 'sign-out' });
      return;
    }
  }
  window.location.assign(SIGN_IN_PATH);
}

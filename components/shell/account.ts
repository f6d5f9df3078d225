import { ApiError, request } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { SIGN_IN_PATH } from '#lib/browser/sign-in-url';
import { showToast } from '#lib/browser/toasts';
import { requestDeletion } from './deletion-request.ts';
import { SHELL_STRINGS } from './strings.ts';

/** `none`: the server has no keys, so there is nothing to sign in to. */
export type Account = 'none' | 'signed_in' | 'signed_out';

/** Who is signed in, where the server has accounts. */
export interface SignedInPerson {
  name: string;
  email: string | undefined;
  /** An administrator, or the manager of a group. */
  mayAdminister: boolean;
}

export const ACCOUNT_PATH = '/account';
export const ADMIN_PATH = '/admin/people';

/** Ends the session and opens the sign-in page. The conversations stay in the browser. */
export async function signOut(): Promise<void> {
  if (await endSession()) window.location.assign(SIGN_IN_PATH);
}

/**
 * Ends the session. The sign-in page then deletes what this browser keeps: the pages of all tabs
 * are left first, because they write when they close.
 */
export async function signOutAndDelete(): Promise<void> {
  if (!(await endSession())) return;
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(null);
  channel.close();
  leaveAndDelete();
}

const CHANNEL = 'chill-space-sign-out';

/** Follows `signOutAndDelete` of another tab. Returns the function that ends this. */
export function followSignOut(): () => void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = leaveAndDelete;
  return () => channel.close();
}

function leaveAndDelete(): void {
  try {
    requestDeletion(Date.now());
  } catch {
    // The browser blocks storage, and has nothing to delete.
  }
  // Replaced: "Back" would show the page with the chat.
  window.location.replace(SIGN_IN_PATH);
}

/** Returns false after a failure, which a message shows. */
async function endSession(): Promise<boolean> {
  try {
    await request(`${API_BASE}/api/session`, { method: 'DELETE' });
  } catch (error) {
    // An ended session needs no sign-out.
    if (!(error instanceof ApiError) || error.status !== 401) {
      showToast({ text: SHELL_STRINGS.signOutFailed, kind: 'error', id: 'sign-out' });
      return false;
    }
  }
  return true;
}

/** How people sign in to this server. */
export interface SignInOptions {
  /** `keys`: with a key of the settings. */
  mode: 'keys' | 'accounts';
  /** The organisation's sign-in page. */
  provider?: { id: string; name: string } | undefined;
  /** Who may make an account. */
  signUp?: 'closed' | 'invite' | 'open' | undefined;
  /** Whether links of accounts can be sent by mail. */
  sendsMail?: boolean | undefined;
}

export const SIGN_IN_STRINGS = {
  signIn: 'Sign in',
  signingIn: 'Signing in…',
  hint: 'Enter your access key. Ask your administrator if you don’t have one.',
  key: 'Access key',
  wrongKey: 'Wrong key.',
  failed: 'Could not sign in. Try again.',
  signedIn: 'You are signed in',
  signedInHint: 'You stay signed in on this browser.',
  goToChat: 'Go to the chat',
  signOut: 'Sign out',
} as const;

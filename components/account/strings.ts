/** By the codes that /account?error= has. */
const LINK_REFUSALS: Readonly<Record<string, (name: string) => string>> = {
  email_does_not_match: (name) =>
    `The account at ${name} has another e-mail address than this one. Sign in there with the right account, or ask your administrator.`,
  email_not_verified: (name) => `${name} has not verified your e-mail address. Verify it there, and link again.`,
  account_already_linked_to_different_user: (name) =>
    `The account at ${name} is linked to another account here. Sign in to that one, and unlink it there.`,
  access_denied: (name) => `${name} was not linked, because you did not allow it there.`,
};

/** The account page shows these. */
export const ACCOUNT_STRINGS = {
  title: 'Account',
  inGroup: (role: string, group: string) => `${role} · ${group}`,

  usage: {
    title: 'Usage',
    hint: 'Requests and tokens of your account and its keys.',
    ofKey: (name: string) => `Usage of the key ${name}`,
    all: 'Show all usage',
  },
  limits: {
    title: 'Limits',
    hint: 'They count you, not your address: colleagues on the same network have their own.',
    empty: 'No limits apply to you.',
  },
  keys: {
    title: 'Access keys',
    hint: 'For programs and editors that use this server as you.',
    empty: 'No keys yet.',
    emptyHint: 'A key lets a program, an editor or a script use this server as you.',
  },
  sessions: {
    title: 'Sessions',
    hint: 'Browsers that are signed in as you.',
    current: 'This browser',
    signedIn: (when: string) => `Signed in ${when}`,
    seen: (when: string) => `Active ${when}`,
    end: 'Sign out',
    endSession: (name: string) => `Sign out ${name}`,
    endOthers: 'Sign out all others',
    ended: (name: string) => `${name} was signed out.`,
    othersEnded: 'All other browsers were signed out.',
    unknown: 'Unknown browser',
    samsungInternet: 'Samsung Internet',
    on: (browser: string, system: string) => `${browser} on ${system}`,
    only: 'No other browser is signed in.',
  },
  password: {
    title: 'Password',
    hint: 'Other browsers are signed out when you change it.',
    current: 'Current password',
    change: 'Change password',
    changing: 'Changing…',
    changed: 'Password changed. Other browsers were signed out.',
  },
  twoFactor: {
    title: 'Two-factor sign-in',
    isOn: 'On',
    isOff: 'Off',
    off: 'With a code from an app on your phone, your password alone lets no one else sign in as you.',
    on: 'You enter a code from your app when you sign in.',
    setUp: 'Set up',
    turnOff: 'Turn off',
    turningOff: 'Turning off…',
    password: 'Your password',
    passwordHint: 'To make sure that it is you.',
    next: 'Continue',
    checking: 'Checking…',
    scan: 'Scan this with an authenticator app, then enter the code that it shows.',
    qr: 'QR code for your authenticator app',
    secret: 'Or enter this secret in the app',
    copySecret: 'Copy secret',
    open: 'Open in an app on this device',
    code: 'Code from the app',
    confirm: 'Turn on',
    recoveryTitle: 'Keep these recovery codes',
    recovery: 'Each signs you in once if you lose your phone. They are not shown again.',
    recoveryLabel: 'Recovery codes',
    copyRecovery: 'Copy recovery codes',
    saveRecovery: 'Save as a file',
    turnedOn: 'Two-factor sign-in is on.',
    turnedOff: 'Two-factor sign-in is off.',
  },
  provider: {
    title: 'Single sign-on',
    linked: 'Linked',
    notLinked: 'Not linked',
    linkedHint: (name: string) => `You can sign in with ${name}, and with your password.`,
    onlyHint: (name: string) =>
      `You sign in with ${name} alone. To unlink it, ask your administrator for a link to set a password first.`,
    notLinkedHint: (name: string) =>
      `Link your account at ${name} once, and sign in there from then on. It must have the same e-mail address.`,
    link: 'Link',
    unlink: 'Unlink',
    unlinking: 'Unlinking…',
    unlinkTitle: (name: string) => `Unlink ${name}?`,
    nowLinked: (name: string) => `You can sign in with ${name} now.`,
    unlinkedNow: (name: string) => `Your account is not linked to ${name} any more.`,
    refused: (code: string, name: string) =>
      Object.hasOwn(LINK_REFUSALS, code)
        ? (LINK_REFUSALS[code]?.(name) ?? '')
        : `${name} was not linked. Try again, or ask your administrator.`,
  },
  changes: {
    title: 'Changes by others',
    hint: 'What administrators, managers and the server changed of your account, its limits, keys and requests.',
    empty: 'No one else has changed anything of yours.',
    by: (name: string | undefined, when: string) => `${name ?? 'The server'}, ${when}`,
  },
  data: {
    title: 'Your data',
    export: 'Export my data',
    exportHint:
      'Your account, keys (without their secrets), sessions and usage as one JSON file. Chats are in this browser: export them from the chat.',
    exporting: 'Preparing…',
    exportFile: 'my-data.json',
    delete: 'Delete my account',
    deleteHint:
      'Deletes your account, its keys and sessions. Usage stays without your name. Chats stay in this browser until you delete them.',
    deleteTitle: 'Delete your account?',
    deleteConfirm: 'Your keys stop working at once, and you are signed out everywhere. This can’t be undone.',
    typeEmail: (email: string) => `Type ${email} to confirm`,
    typeWrong: 'This is not your e-mail address.',
    deleting: 'Deleting…',
    deletedTitle: 'Your account was deleted',
    deleted: 'Its keys and sessions were deleted, too. Chats are still in this browser until you delete them.',
    deletedLeave: 'Go to sign-in',
  },
} as const;

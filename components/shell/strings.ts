import type { StatusLevel } from '#lib/browser/service-status';
import type { Theme } from './theme.ts';

const THEME_NAMES: Record<Theme, string> = { system: 'System', light: 'Light', dark: 'Dark' };

/** The states of a service. */
const LEVEL_NAMES: Record<StatusLevel, string> = {
  good: 'up',
  warn: 'warning',
  error: 'down',
  unknown: 'checking',
};

/** The frame of the pages shows these. */
export const SHELL_STRINGS = {
  appName: 'Chill Space',
  titleTemplate: '%s · Chill Space',
  description: 'Chat with your own models, run code in a sandbox, and see how the server is doing.',
  skipToContent: 'Skip to content',

  pages: 'Pages',
  chat: 'Chat',
  playground: 'Playground',
  dashboard: 'Dashboard',
  gateway: 'Gateway',
  apiReference: 'API reference',
  commandMenu: 'Command menu',
  keyboardShortcuts: 'Keyboard shortcuts',

  more: 'More',
  /** The name of the More button while a service is down. */
  moreWithTrouble: (services: readonly string[]) => `More. Down: ${services.join(', ')}`,
  status: 'Status',

  model: 'Model',
  runner: 'Runner',
  codeRunner: 'Code runner',
  level: (level: StatusLevel) => LEVEL_NAMES[level],
  serviceStatus: (service: string, level: StatusLevel, sentence: string) =>
    `${service}: ${LEVEL_NAMES[level]}. ${sentence}`,
  serviceTip: (service: string, sentence: string) => `${service}: ${sentence}`,
  openDashboard: 'Open dashboard',

  theme: 'Theme',
  themeName: (theme: Theme) => THEME_NAMES[theme],
  themeIs: (theme: Theme) => `Theme: ${THEME_NAMES[theme]}`,

  account: 'Account',
  accountOf: (name: string) => `Account: ${name}`,
  administration: 'Administration',
  signIn: 'Sign in',
  signOut: 'Sign out',
  signOutAndDelete: 'Sign out and delete chats here',
  signOutFailed: 'Could not sign out. Try again.',
  sessionEnded: 'Your session has ended. Sign in again.',
  draftsKept: 'What you wrote is kept.',

  notFoundTitle: 'Not found',
  notFound: 'Page not found',
  notFoundHint: 'Check the link, or go to the chat.',
  goToChat: 'Go to the chat',
  failed: 'Something went wrong',
  failedHint: 'Your chats and drafts are kept in this browser. Reload the page to go on.',
  reload: 'Reload',
} as const;

/** What people read before the command menu is opened. Part of the first view of every page. */
export const PALETTE_BUTTON_STRINGS = {
  open: 'Command menu',
  title: 'Command menu',
  shortcutsTitle: 'Keyboard shortcuts',
} as const;

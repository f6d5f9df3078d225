import { COMMAND_PALETTE_STRINGS as S } from './strings.ts';

/** Shortcuts for the help sheet. `Mod` is Ctrl, or Cmd on a Mac. */
export const SHORTCUTS: readonly { keys: readonly string[]; what: string; where: string }[] = [
  { keys: ['Mod', 'K'], what: S.commandMenu, where: S.everywhere },
  { keys: ['Mod', 'Shift', 'O'], what: S.startChat, where: S.everywhere },
  { keys: ['?'], what: S.showShortcuts, where: S.everywhere },
  { keys: ['Mod', 'Enter'], what: S.goToSelected, where: S.commandMenu },
  { keys: ['Enter'], what: S.send, where: S.chat },
  { keys: ['Shift', 'Enter'], what: S.newLine, where: S.chat },
  { keys: ['Esc'], what: S.stop, where: S.chat },
  { keys: ['Mod', 'Enter'], what: S.run, where: S.playgroundPage },
  { keys: ['Esc', 'Tab'], what: S.leaveEditor, where: S.playgroundPage },
  { keys: ['Mod', 'S'], what: S.save, where: S.playgroundPage },
  { keys: ['Mod', 'F'], what: S.find, where: S.playgroundPage },
];

/** The platform's name of `Mod`. */
export function keyName(key: string, platform: string): string {
  if (key !== 'Mod') return key;
  return /mac|iphone|ipad/i.test(platform) ? '⌘' : 'Ctrl';
}

/** A shortcut as a hint: `Ctrl+Enter` for `Mod+Enter`. */
export function shortcutHint(shortcut: string, platform: string): string {
  return shortcut
    .split('+')
    .map((key) => keyName(key, platform))
    .join('+');
}

/** Shortcuts for the help sheet. `Mod` is Ctrl, or Cmd on a Mac. */
export const SHORTCUTS: readonly { keys: readonly string[]; what: string; where: string }[] = [
  { keys: ['Mod', 'K'], what: 'Open the commands', where: 'Everywhere' },
  { keys: ['Mod', 'Shift', 'O'], what: 'Start a new chat', where: 'Everywhere' },
  { keys: ['?'], what: 'Show the shortcuts', where: 'Everywhere' },
  { keys: ['Enter'], what: 'Send the message', where: 'Chat' },
  { keys: ['Shift', 'Enter'], what: 'Start a new line', where: 'Chat' },
  { keys: ['Esc'], what: 'Stop the answer', where: 'Chat' },
  { keys: ['Mod', 'Enter'], what: 'Run the program', where: 'Playground' },
  { keys: ['Esc', 'Tab'], what: 'Leave the editor', where: 'Playground' },
  { keys: ['Mod', 'F'], what: 'Search in the program', where: 'Playground' },
];

/** The platform's name of `Mod`. */
export function keyName(key: string, platform: string): string {
  if (key !== 'Mod') return key;
  return /mac|iphone|ipad/i.test(platform) ? '⌘' : 'Ctrl';
}

/** Whether a key typed at `target` is text input, not a shortcut. */
export function acceptsText(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input, textarea, select, [role=textbox]'))
  );
}

import { LEGACY_NAMES, PUBLIC_SETTINGS, SETTINGS, type Setting, type SettingName } from '#lib/config/settings';

/** The text of `.env.example`: every setting with its default and one line of meaning, all commented out. */
export function envExample(): string {
  const lines = ['# Every setting, with its default. Copy to .env and take the # from the lines that you change.'];
  let group = '';
  for (const [name, setting] of Object.entries<Setting>(SETTINGS)) {
    if (setting.group !== group) {
      group = setting.group;
      lines.push('', `# --- ${group} ---`);
    }
    const older = LEGACY_NAMES[name as SettingName];
    const also = older === undefined ? '' : ` Where it is not set, ${older} is read.`;
    lines.push(`# ${setting.description}${also}`, `#${name}=${setting.fallback ?? ''}`);
  }
  lines.push('', '# --- Pages elsewhere ---');
  for (const [name, meaning] of Object.entries(PUBLIC_SETTINGS)) lines.push(`# ${meaning}`, `#${name}=`);
  return `${lines.join('\n')}\n`;
}

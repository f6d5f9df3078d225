import { TextField } from '#components/people/field';
import { PEOPLE_STRINGS as STRINGS } from './strings.ts';

interface EmailFieldProps {
  hint?: string | undefined;
  readOnly?: boolean;
  value: string;
  onChange: (value: string) => void;
}

/** The address of an account, its user name for password managers. */
export function EmailField({ hint, readOnly = false, value, onChange }: EmailFieldProps) {
  return (
    <TextField
      label={STRINGS.email}
      type="email"
      name="email"
      autoComplete="username"
      hint={hint}
      required
      readOnly={readOnly}
      maxLength={254}
      value={value}
      onChange={onChange}
      className="read-only:bg-sunken"
    />
  );
}

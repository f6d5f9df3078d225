/** Set while the database may hold something: a page without waiting messages opens none. */
const FLAG = 'outbox';

/** The second one is for a full `localStorage`: a reload of this tab still finds the messages. */
const flagStorages = (): Storage[] => [localStorage, sessionStorage];

export function setFlag(): void {
  for (const storage of flagStorages())
    try {
      storage.setItem(FLAG, '1');
      return;
    } catch {
      // It is full.
    }
}

export const hasFlag = (): boolean => flagStorages().some((storage) => storage.getItem(FLAG) !== null);

export function removeFlag(): void {
  for (const storage of flagStorages()) storage.removeItem(FLAG);
}

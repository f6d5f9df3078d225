import { createContext } from 'react';

/**
 * Whether the server has at most one model, so that a turn offers no other. One look at the list
 * for all turns: each hook of SWR has its own timer and its own listeners.
 */
export const OnlyModelContext = createContext(false);

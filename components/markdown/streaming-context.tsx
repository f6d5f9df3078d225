'use client';

import { createContext } from 'react';

/** Whether the surrounding text is still growing: invalid parts may only be unfinished. */
export const StreamingContext = createContext(false);

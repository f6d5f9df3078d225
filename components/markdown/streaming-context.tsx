'use client';

import { createContext } from 'react';

/** Whether the text around is still being written: what is broken in it may only be unfinished. */
export const StreamingContext = createContext(false);

'use client';

import { createContext } from 'react';

/** The index of the surrounding block in its text. */
export const BlockIndexContext = createContext(0);

'use client';

import { createContext } from 'react';

/**
 * `<conversation>/<message>` of the text around a program, under which its result is kept;
 * undefined outside of a stored message.
 */
export const RunPlaceContext = createContext<string | undefined>(undefined);

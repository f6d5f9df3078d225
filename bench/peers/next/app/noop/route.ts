/** The least that a Next route handler can do: the floor that every one of them pays. */
export const POST = (): Response => Response.json({ ok: true });

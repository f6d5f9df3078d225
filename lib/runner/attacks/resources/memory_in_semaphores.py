import ctypes

# Sets of System V semaphores belong to no process, and each takes megabytes.
libc = ctypes.CDLL(None, use_errno=True)
held = 0
while held < 400 and libc.semget(0, 32_000, 0o600) >= 0:
    held += 1
print("sets:", "many" if held >= 100 else "few")

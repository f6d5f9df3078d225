import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
KEY, SIZE, IPC_CREAT = 0x5EC8E7, 4096, 0o1000
print(libc.shmget(KEY, SIZE, IPC_CREAT | 0o666) >= 0, libc.msgget(KEY, IPC_CREAT | 0o666) >= 0, libc.semget(KEY, 1, IPC_CREAT | 0o666) >= 0)

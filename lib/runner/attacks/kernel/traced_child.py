import ctypes
import os
import signal

libc = ctypes.CDLL(None, use_errno=True)
PTRACE_TRACEME, PTRACE_SEIZE = 0, 0x4206
child = os.fork()
if child == 0:
    signal.pause()
print(libc.ptrace(PTRACE_TRACEME, 0, 0, 0), libc.ptrace(PTRACE_SEIZE, child, 0, 0))
os.kill(child, 9)

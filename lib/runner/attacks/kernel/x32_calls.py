import ctypes
import platform

if platform.machine() != "x86_64":
    raise SystemExit(159)
print("before", flush=True)
print(ctypes.CDLL(None).syscall(ctypes.c_long(0x40000000 + 39)))

import ctypes
import errno
import os
import platform

# Programs of all callers see the same read-only files. A lease delays each opening of one, and a
# notice reports it.
libc = ctypes.CDLL(None, use_errno=True)
FCNTL = 72 if platform.machine() == "x86_64" else 25
F_SETLEASE, F_NOTIFY, F_SETDELEG = 1024, 1026, 1040
F_RDLCK, F_WRLCK, DN_ACCESS = 0, 1, 1
delegation = ctypes.create_string_buffer(bytes(4) + bytes([F_RDLCK, 0, 0, 0]))
for path, request, argument in [
    *((path, F_SETLEASE, kind) for path in ("/etc/passwd", "/program", "/usr/bin/env") for kind in (F_RDLCK, F_WRLCK)),
    ("/usr/lib", F_NOTIFY, DN_ACCESS),
    ("/usr/lib", F_SETDELEG, ctypes.addressof(delegation)),
]:
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        # A program that nothing waited for has no such file.
        continue
    for number in (request, request | 1 << 32):
        result = libc.syscall(ctypes.c_long(FCNTL), ctypes.c_long(fd), ctypes.c_long(number), ctypes.c_long(argument))
        got = errno.errorcode.get(ctypes.get_errno(), "nothing")
        if result != -1 or got != "EPERM":
            print(path, number, argument, result, got)
print("done")

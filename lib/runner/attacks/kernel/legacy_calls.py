import ctypes
import mmap
import platform

# mov eax, 20 (getpid of the 32-bit table); int 0x80; ret
code = bytes.fromhex("b814000000cd80c3")
if platform.machine() != "x86_64":
    raise SystemExit(159)
page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
print("before", flush=True)
print(call())

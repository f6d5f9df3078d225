import ctypes

# The kernel counts inotify instances for each user of the machine: 128 for all sandboxes together.
libc = ctypes.CDLL(None, use_errno=True)
opened = 0
while opened < 16 and libc.inotify_init1(0) >= 0:
    opened += 1
print(opened, "watches")

import os

# The machine has a fixed number of pseudo-terminals for all of its users.
opened = 0
try:
    while opened < 8:
        os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
        opened += 1
except OSError:
    pass
print(opened, "terminals")

import os

held = []
while True:
    fd = os.memfd_create("hidden")
    held.append(fd)
    for _ in range(16):
        os.write(fd, b"x" * 1_000_000)

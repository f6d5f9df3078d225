import fcntl, os, time

# What lies in pipes belongs to no process.
for _ in range(32):
    if os.fork() == 0:
        try:
            while True:
                reader, writer = os.pipe()
                os.set_blocking(writer, False)
                try:
                    fcntl.fcntl(writer, 1031, 1 << 20)
                except OSError:
                    pass
                try:
                    while True:
                        os.write(writer, b"x" * 65536)
                except BlockingIOError:
                    pass
        except OSError:
            time.sleep(6)
            os._exit(0)
time.sleep(6)
print("held all of it")

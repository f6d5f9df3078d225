import fcntl, os, time

# What lies in pipes belongs to no process.
filled, report = os.pipe()
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
            os.write(report, b"x")
            time.sleep(40)
            os._exit(0)
os.close(report)
reports = 0
while reports < 32 and (more := os.read(filled, 32)):
    reports += len(more)
time.sleep(6)
print("held all of it")

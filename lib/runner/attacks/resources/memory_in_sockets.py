import os, socket, time

# What lies in the buffers of sockets belongs to no process.
filled, report = os.pipe()
for _ in range(8):
    if os.fork() == 0:
        held = []
        try:
            while True:
                pair = socket.socketpair()
                held.append(pair)
                for end in pair:
                    end.setblocking(False)
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
                    try:
                        while True:
                            end.send(b"x" * 65536)
                    except BlockingIOError:
                        pass
        except OSError:
            os.write(report, b"x")
            time.sleep(40)
            os._exit(0)
os.close(report)
reports = 0
while reports < 8 and (more := os.read(filled, 8)):
    reports += len(more)
time.sleep(6)
print("held all of it")

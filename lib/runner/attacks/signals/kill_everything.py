import os
import signal

for target in (os.getppid(), 1, -1, 0):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGSTOP if target != 0 else signal.SIGTERM, signal.SIGKILL if target in (1,) else signal.SIGTERM):
        try:
            os.kill(target, number)
        except OSError:
            pass
print("alive", os.getppid())

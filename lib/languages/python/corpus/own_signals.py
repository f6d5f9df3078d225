import os
import signal
import sys

signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGUSR1)
with open("/dev/stdout", "w") as out:
    out.write("through the device\n")
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGTERM)

import os
import time

# Each leaves two: with itself and the shell at most 52 of the 64 that may be, however late they are reaped.
for _ in range(25):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(0)
        os._exit(0)
time.sleep(0.2)
print("done")

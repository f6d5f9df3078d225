import os
import time

for folder in ("/work", "/tmp", "/dev/shm"):
    for number in range(100):
        with open(f"{folder}/{number}", "wb") as file:
            try:
                while True:
                    file.write(os.urandom(1_000_000))
            except OSError:
                pass
held = bytearray(b"x" * 60_000_000)
time.sleep(5)
print("not reached")

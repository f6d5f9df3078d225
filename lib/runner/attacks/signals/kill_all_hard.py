import os

if os.fork() == 0:
    while True:
        pass
os.kill(-1, 9)
os.wait()
os.kill(0, 9)

import errno
import os
import signal

count = 0
try:
    while True:
        if os.fork() == 0:
            signal.pause()
        count += 1
except OSError as error:
    print(count < 64, count > 32, errno.errorcode[error.errno])

import errno
import os

held = []
try:
    while True:
        held.append(os.dup(0))
except OSError as error:
    print(len(held) < 1024, errno.errorcode[error.errno])

import os
import stat

for kind, name in ((stat.S_IFCHR, "character"), (stat.S_IFBLK, "block")):
    try:
        os.mknod(f"/work/{name}", kind | 0o666, os.makedev(1, 1))
        print(name, "was made")
    except OSError as error:
        print(name, error.strerror)

import os
import stat

for kind, name in ((stat.S_IFCHR, "character"), (stat.S_IFBLK, "block")):
    try:
        os.mknod(f"/work/{name}", kind | 0o666, os.makedev(1, 1))
        try:
            os.close(os.open(f"/work/{name}", os.O_RDWR))
            print(name, "was made and opened")
        except OSError:
            print(name, "was made, and cannot be opened")
    except OSError as error:
        print(name, error.strerror)

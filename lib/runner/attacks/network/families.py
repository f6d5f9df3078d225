import errno
import socket

for family in range(0, 46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(family, kind).close()
            if family not in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6) or kind == socket.SOCK_RAW and family != socket.AF_UNIX:
                print(family, kind, "was made")
        except OSError as error:
            if family in (socket.AF_NETLINK, socket.AF_VSOCK, socket.AF_PACKET, socket.AF_ALG) and error.errno != errno.EPERM:
                print(family, kind, error)
print("done")

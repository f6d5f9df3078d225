import socket
import sys

port = int(sys.argv[1])
for address in (("1.1.1.1", 80), ("169.254.169.254", 80), ("127.0.0.1", port), ("10.0.0.1", 80)):
    try:
        socket.create_connection(address, timeout=2)
        print(address, "was reached")
    except OSError:
        pass
for address in (("::1", port, 0, 0), ("2606:4700:4700::1111", 80, 0, 0)):
    try:
        with socket.socket(socket.AF_INET6) as client:
            client.settimeout(2)
            client.connect(address)
            print(address, "was reached")
    except OSError:
        pass
try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", ("8.8.8.8", 53))
        print("a datagram left")
except OSError:
    pass
try:
    print(socket.gethostbyname("example.com"))
except OSError:
    pass
print(open("/proc/net/dev").read().count(":"))

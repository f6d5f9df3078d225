import socket
import sys

with socket.socket(socket.AF_UNIX) as client:
    try:
        client.connect(f"\0chill-space-test-{sys.argv[1]}")
        print("reached")
    except OSError as error:
        print(error.strerror)

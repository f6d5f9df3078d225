"""What a program can tell about how it was started, and what is done when it ends."""
import atexit
import sys
import threading
import time

print([name for name in ("json", "base64", "re", "gc") if name in sys.modules])
print(__name__, __doc__[:4], sys.argv, sys.path[0], __file__)
print(sorted(name for name in globals() if not name.startswith("__")))


class Node:
    def __init__(self, name):
        self.name = name
        self.other = None

    def __del__(self):
        print("gone", self.name)


def cycle():
    one, two = Node("one"), Node("two")
    one.other, two.other = two, one


cycle()
kept = Node("kept")
atexit.register(print, "at exit")
threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
print("main")

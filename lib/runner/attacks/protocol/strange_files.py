import os
import socket

os.symlink("/etc/shadow", "link")
os.symlink("../../../../etc", "up")
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
os.makedirs("a\nb/-rf")
open("--help", "w").close()
os.remove("main.py")
os.symlink("/proc/1/root", "main.py")
os.chmod(".", 0)
print("left behind")

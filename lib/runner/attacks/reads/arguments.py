import os

for pid in sorted(filter(str.isdigit, os.listdir("/proc")), key=int):
    with open(f"/proc/{pid}/cmdline") as file:
        words = file.read().split("\0")
        print(pid, os.path.basename(words[0]), [word for word in words if "bwrap" in word or "--args" in word])

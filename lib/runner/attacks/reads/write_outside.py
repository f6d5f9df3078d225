import os

for folder in ("/", "/usr/bin", "/usr/lib", "/etc", "/dev", "/proc", "/proc/sys/kernel", "/bin", "/lib"):
    try:
        with open(os.path.join(folder, "made"), "w"):
            print(folder, "took a file")
    except OSError:
        pass
for path in ("/usr/bin/python3", "/etc/passwd", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/1/oom_score_adj"):
    try:
        with open(path, "r+b") as file:
            file.write(b"-1000")
        print(path, "was written")
    except OSError:
        pass
print(os.access("/work", os.W_OK), os.access("/tmp", os.W_OK))

import os

for path in ("/etc/shadow", "/root", "/home", "/var", "/sys", "{app}", "/opt/app", "/boot", "/run", "/mnt", "/usr/src", "/usr/local/go/src", *[f"/proc/{pid}/root/etc/shadow" for pid in os.listdir("/proc") if pid.isdigit()]):
    try:
        os.stat(path)
        print(path, "is there")
    except OSError:
        pass
print(sorted(os.listdir("/")), sorted(os.listdir("/etc")))

import os
import shutil
import subprocess

shutil.copy("/usr/bin/id", "/work/id")
os.chmod("/work/id", 0o6755)
print(subprocess.run(["/work/id", "-u"], capture_output=True, text=True).stdout.strip())
for path in ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount"):
    if os.path.exists(path):
        result = subprocess.run([path, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
with open("/proc/self/mountinfo") as file:
    for line in file:
        fields = line.split()
        if "nosuid" not in fields[5]:
            print(fields[4], fields[5])

import os
import sys

app = sys.argv[1]
found = []
for folder, folders, files in os.walk("/"):
    if folder.startswith(("/proc", "/usr/lib", "/dev")):
        folders.clear()
    if "package.json" in files and folder != "/work":
        found.append(folder)
print(os.path.exists(app), found)

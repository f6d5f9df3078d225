import os

for folder in ("/work", "/tmp", "/dev/shm"):
    with open(f"{folder}/trace", "w") as file:
        file.write("secret of another")
os.umask(0)

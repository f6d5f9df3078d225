import os

print([sorted(os.listdir(folder)) for folder in ("/work", "/tmp", "/dev/shm")], os.listdir("/dev/mqueue") if os.path.exists("/dev/mqueue") else [])

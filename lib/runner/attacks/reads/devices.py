import os

print(sorted(os.listdir("/dev")))
for name in ("mem", "kmem", "kvm", "fuse", "net/tun", "vsock", "kmsg", "sda", "vda"):
    if os.path.exists(f"/dev/{name}"):
        print(name, "is there")

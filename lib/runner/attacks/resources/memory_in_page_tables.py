import mmap, os, time

# A page that is only read is the kernel's zero page: nobody is charged for it, but each 2 MB of addresses take a page of tables.
filled, report = os.pipe()
for _ in range(16):
    if os.fork() == 0:
        try:
            area = mmap.mmap(-1, 15 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
            for at in range(0, 15 << 30, 2 << 20):
                area[at]
        finally:
            os.write(report, b"x")
            time.sleep(40)
            os._exit(0)
os.close(report)
reports = 0
while reports < 16 and (more := os.read(filled, 16)):
    reports += len(more)
time.sleep(6)
print("held all of it")

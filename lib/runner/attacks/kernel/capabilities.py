import os

with open("/proc/self/status") as file:
    for line in file:
        if line.startswith(("Cap", "NoNewPrivs", "Seccomp:", "Groups")):
            print(*line.split())
print(os.getresuid(), os.getresgid(), open("/proc/self/uid_map").read().split()[:1])
for attempt in (lambda: os.setuid(0), lambda: os.chown("/work", 0, 0), lambda: os.nice(-10), lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))):
    try:
        attempt()
        print("worked")
    except OSError as error:
        print(error.strerror)

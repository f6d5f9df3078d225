import resource

for name in ("RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CPU", "RLIMIT_DATA"):
    limit = getattr(resource, name)
    soft, hard = resource.getrlimit(limit)
    try:
        resource.setrlimit(limit, (soft, hard + 1))
        print(name, "was raised")
    except (OSError, ValueError):
        print(name, "holds" if soft == hard > 0 else "is open")

import errno

written = 0
try:
    for number in range(1000):
        with open(f"file{number}", "wb", buffering=0) as file:
            for _ in range(10):
                written += file.write(b"x" * 1_000_000)
except OSError as error:
    print(60_000_000 < written <= 64 * 1024 * 1024, errno.errorcode[error.errno])

for _ in range(1000):
    print("x" * 99)

import time

print("seen", flush=True)
time.sleep(60)

block = bytearray(80_000_000)
for i in range(0, len(block), 4096):
    block[i] = 1
print(sum(block[::4096]))

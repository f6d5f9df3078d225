import sys

first = input()
rest = sys.stdin.read().split()
print(first.upper(), len(rest), sum(map(int, rest)))
with open("/dev/stdin") as again:
    print(len(again.read()))

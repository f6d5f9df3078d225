import sys

sys.stdout.buffer.write("x".encode() + "🦀".encode() * 30_000)

import sys

sys.stdout.buffer.write(b"a\xff\xfeb\xc3")
sys.stderr.buffer.write(b"\xed\xa0\x80")
